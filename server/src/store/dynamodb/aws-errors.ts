import { CredentialsError } from "./credentials-error.js";
import type { Item } from "./item.js";
import { NeverSentError } from "./never-sent.js";

/**
 * Classification of a failed DynamoDB call. `applied` is the question that decides over a retry of a write: "no" when
 * DynamoDB refused the request or never had it, "unknown" when it may have carried it out.
 */
export type BackendFailure = { readonly applied: "no" | "unknown"; readonly cause: unknown } & (
  | { readonly kind: "condition-failed"; readonly item: Item | undefined }
  | { readonly kind: "throttled"; readonly reasons: readonly string[] }
  | { readonly kind: "conflict" | "clock-skew" }
  | { readonly kind: "unreachable" | "failing" | "foreign" | "aborted" }
  | { readonly kind: "no-credentials" | "misconfigured" }
  | { readonly kind: "denied" | "table-missing" | "invalid" | "item-too-large" | "unsupported" }
);

/** The fields that errors of the SDK, of undici, of Node's sockets and of DynamoDB carry. */
interface AnyError {
  name?: string;
  message?: string;
  code?: string;
  syscall?: string;
  errors?: unknown[];
  Item?: Item;
  ThrottlingReasons?: unknown;
  throttlingReasons?: unknown;
  $metadata?: { httpStatusCode?: number };
}

const throttling = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "Throttling",
  "ThrottledException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "SlowDown",
  "TooManyRequestsException",
]);

/** Those of a service that failed, whatever their HTTP status. */
const failures = new Set([
  "InternalServerError",
  "InternalFailure",
  "ServiceUnavailable",
  "ServiceUnavailableException",
  "RequestTimeout",
  "RequestTimeoutException",
]);

/** Those of an error that DynamoDB did not name, and so did not send: in the lean data plane, and in the SDK. */
const unnamed = new Set(["", "Error", "UnknownError", "Unknown", "SyntaxError", "TypeError", "ForeignAnswerError"]);

/** Such as TableReadProvisionedThroughputExceeded. Callers are told them, so that what has no such form is left out. */
const throttlingReason = /^[A-Za-z]{1,100}$/;

const conflicts = new Set([
  "TransactionConflictException",
  "TransactionInProgressException",
  "ReplicatedWriteConflictException",
]);

const denials = new Set([
  "AccessDeniedException",
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "IncompleteSignatureException",
  "AuthFailure",
  "MissingAuthenticationTokenException",
  "MissingAuthenticationToken",
  "ExpiredTokenException",
  "ExpiredToken",
  "NotAuthorized",
  "OptInRequired",
]);

/** Those of the SDK's own, for a request that it has nothing to sign with. */
const missingCredentials = new Set(["CredentialsProviderError", "TokenProviderError"]);

/** Those denials that come to somebody who is known, and which a policy mends. */
const missingRights = new Set(["AccessDeniedException", "NotAuthorized"]);
const unknownCallers = new Set([...denials].filter((name) => !missingRights.has(name)));

/** Returns true if a caller who is known was denied what it asked for. */
export function isAboutRights(cause: unknown): boolean {
  return missingRights.has((cause as AnyError).name ?? "");
}

/** Returns true if a request was denied for who asks, and not for what was asked. */
export function isAboutCredentials(cause: unknown): boolean {
  return unknownCallers.has((cause as AnyError).name ?? "");
}

/** Returns true if a request was refused for its credentials, so that others may be taken. */
export function isRefusedCredentials(cause: unknown): boolean {
  return isAboutCredentials(cause) && classifyError(cause).kind === "denied";
}

const clockSkews = new Set(["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"]);

/** A signature that does not fit, for its time or for anything else: the message tells. The second name is STS's. */
const badSignatures = new Set(["InvalidSignatureException", "SignatureDoesNotMatch"]);

/** Returns true if a table cannot be made since there is one, or one is being made or deleted. */
export function isInUse(cause: unknown): boolean {
  return (cause as AnyError).name === "ResourceInUseException";
}

const tableProblems = new Set(["ResourceNotFoundException", "TableNotFoundException", "ResourceInUseException"]);

/** The system calls that make a connection. The same errors on `read` or `write` end one that was made. */
const connecting = new Set(["connect", "getaddrinfo"]);

/** Errors of a TLS handshake, after which nothing was sent. A caller's own client tells of no others. */
const refusedCertificates =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET|DECODE|DECRYPT)_\w+|CERT_\w+|CRL_\w+|INVALID_CA)$/;
const brokenHandshake = /before secure TLS connection was established/;

/** Errors of Node's when it cannot make a request, such as for a line end in the midst of a session token. */
const impossibleRequest = /^ERR_(INVALID_CHAR|INVALID_HTTP_TOKEN|UNESCAPED_CHARACTERS|INVALID_URL|INVALID_PROTOCOL)$/;

function readReasons(list: unknown): string[] {
  return (Array.isArray(list) ? list : []).flatMap((each: { reason?: unknown } | null) => {
    const reason = each?.reason;
    return typeof reason === "string" && throttlingReason.test(reason) ? reason : [];
  });
}

/** The one module that knows the names of AWS's errors. Whatever it does not know may have been applied. */
export function classifyError(cause: unknown): BackendFailure {
  if (cause instanceof NeverSentError) {
    return { applied: "no", cause, kind: kindOfUnsent(cause) };
  }
  const error = (cause ?? {}) as AnyError;
  const name = error.name ?? "";
  const status = error.$metadata?.httpStatusCode;
  const refused = { applied: "no", cause } as const;
  const unknown = { applied: "unknown", cause } as const;

  if (name === "ConditionalCheckFailedException") {
    return { ...refused, kind: "condition-failed", item: error.Item ?? undefined };
  }
  if (throttling.has(name) || status === 429) {
    return { ...refused, kind: "throttled", reasons: readReasons(error.ThrottlingReasons ?? error.throttlingReasons) };
  }
  if (conflicts.has(name)) {
    return { ...refused, kind: "conflict" };
  }
  if (clockSkews.has(name) || (badSignatures.has(name) && /expired|not yet current/i.test(error.message ?? ""))) {
    return { ...refused, kind: "clock-skew" };
  }
  if (denials.has(name) || status === 401 || status === 403) {
    return { ...refused, kind: "denied" };
  }
  if (tableProblems.has(name)) {
    return { ...refused, kind: "table-missing" };
  }
  if (name === "UnknownOperationException" || /UnknownOperation|not implemented/i.test(name) || status === 501) {
    return { ...refused, kind: "unsupported" };
  }
  if (name === "ValidationException" || name === "SerializationException") {
    const tooLarge = /item size.*(exceeded|maximum)/i.test(error.message ?? "");
    return { ...refused, kind: tooLarge ? "item-too-large" : "invalid" };
  }
  if (name === "AbortError") {
    return { ...unknown, kind: "aborted" };
  }
  if (missingCredentials.has(name)) {
    return { ...refused, kind: "no-credentials" };
  }
  if (isNeverConnected(error)) {
    return { ...refused, kind: "unreachable" };
  }
  if (status === undefined) {
    return { ...unknown, kind: "unreachable" };
  }
  // A proxy that has waited in vain for the rest of a request, or for its answer, does not know what became of it.
  if (failures.has(name) || status === 408 || status >= 500) {
    return { ...unknown, kind: "failing" };
  }
  if (status >= 400) {
    return { ...refused, kind: isNamed(name) ? "invalid" : "foreign" };
  }
  // A success that cannot be read, or a redirection.
  return { ...unknown, kind: "foreign" };
}

function isNamed(name: string): boolean {
  return !unnamed.has(name) && !/^\d*$/.test(name);
}

function kindOfUnsent({ phase, cause }: NeverSentError) {
  const error = (cause ?? {}) as AnyError;
  if (error.name === "AbortError") {
    return "aborted";
  }
  if (cause instanceof CredentialsError || missingCredentials.has(error.name ?? "")) {
    return "no-credentials";
  }
  // Preparing a request can itself need the network, such as for the credentials of a caller's own client.
  return phase === "connecting" || isNeverConnected(error) ? "unreachable" : "misconfigured";
}

/** Returns true if a connection was never made: DynamoDB then cannot have had the request. */
function isNeverConnected(error: AnyError): boolean {
  if (
    connecting.has(error.syscall ?? "") ||
    refusedCertificates.test(String(error.code)) ||
    impossibleRequest.test(String(error.code)) ||
    (error.code === "ECONNRESET" && brokenHandshake.test(error.message ?? "")) ||
    error.code === "UND_ERR_CONNECT_TIMEOUT"
  ) {
    return true;
  }
  // Node tries each address of a name, and reports all that failed.
  if (Array.isArray(error.errors) && error.errors.length > 0) {
    return error.errors.every((each) => isNeverConnected(each as AnyError));
  }
  return error.name === "TimeoutError" && /establish a connection/i.test(error.message ?? "");
}
