import type { Item } from "./item.js";

/**
 * What an error of a DynamoDB call means. `applied` is the question that decides over a retry of a write: "no" when
 * DynamoDB refused the request or never had it, "unknown" when it may have carried it out.
 */
export type BackendFailure = { readonly applied: "no" | "unknown"; readonly cause: unknown } & (
  | { readonly kind: "condition-failed"; readonly item: Item | undefined }
  | { readonly kind: "throttled"; readonly reasons: readonly string[] }
  | { readonly kind: "conflict" | "clock-skew" }
  | { readonly kind: "unreachable" | "failing" | "aborted" }
  | { readonly kind: "denied" | "table-missing" | "invalid" | "item-too-large" | "unsupported" }
);

/** The fields that errors of the SDK, of undici, of Node's sockets and of DynamoDB carry. */
interface AnyError {
  name?: string;
  message?: string;
  code?: string;
  syscall?: string;
  errors?: unknown[];
  neverSent?: boolean;
  Item?: Item;
  ThrottlingReasons?: unknown;
  throttlingReasons?: unknown;
  $metadata?: { httpStatusCode?: number };
}

const throttling = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "Throttling",
  "RequestLimitExceeded",
  "RequestThrottledException",
  "LimitExceededException",
  "TooManyRequestsException",
]);

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
  "IncompleteSignatureException",
  "MissingAuthenticationTokenException",
  "MissingAuthenticationToken",
  "ExpiredTokenException",
  "ExpiredToken",
  "NotAuthorized",
  "OptInRequired",
  "CredentialsProviderError",
  "TokenProviderError",
]);

/** Those denials that no policy mends: nobody knows who asks. */
const unknownCallers = new Set(
  [...denials].filter((name) => name !== "AccessDeniedException" && name !== "NotAuthorized"),
);

/** Whether a request was denied for who asks, and not for what was asked. */
export function isAboutCredentials(cause: unknown): boolean {
  return unknownCallers.has((cause as AnyError).name ?? "");
}

const clockSkews = new Set(["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"]);

/** A signature that does not fit, for its time or for anything else: the message tells. The second name is STS's. */
const badSignatures = new Set(["InvalidSignatureException", "SignatureDoesNotMatch"]);

const tableProblems = new Set(["ResourceNotFoundException", "TableNotFoundException", "ResourceInUseException"]);

/** The system calls that make a connection. The same errors on `read` or `write` end one that was made. */
const connecting = new Set(["connect", "getaddrinfo"]);

/** Errors of a TLS handshake, after which nothing was sent. */
const refusedCertificates = new Set([
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
]);

function readReasons(list: unknown): string[] {
  return (Array.isArray(list) ? list : []).flatMap((each: { reason?: unknown } | null) => {
    const reason = each?.reason;
    return typeof reason === "string" && throttlingReason.test(reason) ? reason : [];
  });
}

/** The one module that knows the names of AWS's errors. Whatever it does not know may have been applied. */
export function classifyError(cause: unknown): BackendFailure {
  const error = (cause ?? {}) as AnyError;
  const name = error.name ?? "";
  const status = error.$metadata?.httpStatusCode;
  const refused = { applied: "no", cause } as const;
  const unknown = { applied: "unknown", cause } as const;

  if (name === "ConditionalCheckFailedException") {
    return { ...refused, kind: "condition-failed", item: error.Item };
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
    return { ...(error.neverSent === true ? refused : unknown), kind: "aborted" };
  }
  if (isNeverConnected(error)) {
    return { ...refused, kind: "unreachable" };
  }
  if (status !== undefined && status >= 400 && status < 500) {
    return { ...refused, kind: "invalid" };
  }
  // A success that cannot be read is one that never arrived.
  return { ...unknown, kind: status === undefined || status < 300 ? "unreachable" : "failing" };
}

/** Whether a connection was never made: DynamoDB then cannot have had the request. */
function isNeverConnected(error: AnyError): boolean {
  if (
    connecting.has(error.syscall ?? "") ||
    refusedCertificates.has(error.code ?? "") ||
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
