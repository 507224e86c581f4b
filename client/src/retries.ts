import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "./call-runner.js";
import { DynakvError, detailOf, endedHere, fromServer, type WriteOutcome } from "./errors.js";

/** How often and how patiently failed calls are repeated. Which ones may be is not a setting: the schema says so. */
export interface RetryOptions {
  /** How many attempts a call has, the first included, at least 1. The default is 20, which are some eight seconds. */
  readonly maxAttempts?: number | undefined;
  /** The longest pause before the second attempt, in milliseconds. It doubles with each. The default is 25. */
  readonly baseDelayMs?: number | undefined;
  /** The longest pause of all, in milliseconds. The default is 1000. */
  readonly maxDelayMs?: number | undefined;
}

/** One failed attempt, and what may follow it. */
export interface Failure {
  readonly error: DynakvError;
  readonly mayRepeat: boolean;
}

/** What is known of a call apart from its failure. */
export interface Attempted {
  readonly method: DescMethod;
  /** Whether a repetition does no harm although an attempt before may have been applied. */
  readonly isRepeatable: boolean;
}

export type Pauses = (attempt: number, error: DynakvError) => number | undefined;

/**
 * The pause after an attempt, in milliseconds; undefined when there is to be no other. Drawn from zero to a limit that
 * doubles ("full jitter"), so that clients which failed together do not come back together.
 */
export function createPauses(retries: RetryOptions | false | undefined): Pauses {
  const {
    maxAttempts = 20,
    baseDelayMs = 25,
    maxDelayMs = 1000,
  } = retries === false ? { maxAttempts: 1 } : (retries ?? {});
  if (!(maxAttempts >= 1) || !(baseDelayMs >= 0) || !(maxDelayMs >= 0)) {
    throw new RangeError("retries: maxAttempts must be 1 or more, baseDelayMs and maxDelayMs 0 or more");
  }
  return (attempt, { retryAfterMs = 0 }) =>
    attempt >= maxAttempts
      ? undefined
      : retryAfterMs + Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt - 1, 30));
}

/**
 * Whether the schema allows that a request is repeated of which nobody knows whether it was applied: its method has no side
 * effects or is idempotent, or it carries a request id, by which the server knows it again.
 */
export function isRepeatable<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  message: MessageShape<I>,
) {
  const { request_id: id } = Object.fromEntries(method.input.fields.map((field) => [field.name, field]));
  return (
    method.idempotency !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN ||
    (id !== undefined && (message as unknown as Record<string, unknown>)[id.localName] !== "")
  );
}

export function isRead(method: DescMethod): boolean {
  return method.idempotency === IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** Says what became of an attempt that was not ended on this side. */
export function explainFailure(cause: unknown, { method, isRepeatable }: Attempted): Failure {
  const failure = ConnectError.from(cause);
  const detail = detailOf(failure);
  if (detail !== undefined) {
    const error = fromServer(failure, detail);
    // What is in doubt may be repeated by who knows that it does no harm; what was refused for good is refused again.
    const mayRepeat = error.retryable || (isRepeatable && error.outcome === "UNKNOWN" && mayPass.has(error.code));
    return { error, mayRepeat };
  }
  const isLost = isConnectionFailure(failure);
  const wasSent = !isLost || !wasNeverSent(failure);
  const unsure: WriteOutcome = wasSent ? "UNKNOWN" : "NOT_APPLIED";
  const mayRepeat = isLost && (!wasSent || isRepeatable);
  const error = new DynakvError(failure.rawMessage, {
    reason: isLost ? "UNREACHABLE" : "UNSPECIFIED",
    code: isLost ? Code.Unavailable : failure.code,
    outcome: isRead(method) ? undefined : unsure,
    retryable: mayRepeat,
    cause,
  });
  return { error, mayRepeat };
}

export interface BrokenStream {
  readonly call: Pick<Call, "signal" | "endAt">;
  readonly method: DescMethod;
  readonly attempt: number;
  readonly pauses: Pauses;
}

/** How long to wait before a stream that reads is taken up where it broke. Throws what it failed with if it is not to be. */
export function pauseAfter(cause: unknown, { call, method, attempt, pauses }: BrokenStream): number {
  if (call.signal.aborted) {
    throw endedHere(call.signal.reason, undefined);
  }
  const { error, mayRepeat } = explainFailure(cause, { method, isRepeatable: true });
  const pause = mayRepeat ? pauses(attempt, error) : undefined;
  if (pause === undefined || performance.now() + pause >= call.endAt) {
    throw error;
  }
  return pause;
}

/** The codes of what may be over soon. */
const mayPass: ReadonlySet<Code> = new Set([Code.Unavailable, Code.ResourceExhausted, Code.Aborted]);

/** Node's names for a connection that was not made, and Node's, nghttp2's and grpc-js's words for a stream that was refused. */
const unsentCodes = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"];
const unsentWords = /REFUSED_STREAM|No connection established|Name resolution failed/;

/** Whether a failure that no dynakv server explains is one of the connection, or of a proxy that has lost its own. */
function isConnectionFailure(failure: ConnectError): boolean {
  switch (failure.code) {
    case Code.Unavailable:
    // A stream that was reset, from either side: the call itself was neither cancelled nor refused here.
    case Code.Aborted:
    case Code.Canceled:
      return true;
    case Code.Internal:
    case Code.Unknown:
      return causes(failure).some(({ code, message }) => typeof code === "string" || brokenWords.test(message));
    // A server that ends a stream or a connection with ENHANCE_YOUR_CALM. What is too large for either side has this code too.
    case Code.ResourceExhausted:
      return causes(failure).some(({ message }) => calmWords.test(message));
    default:
      return false;
  }
}

/** The name of that code, and what grpc-js says in its place. */
const calmWords = /ENHANCE_YOUR_CALM|^bandwidth exhausted/i;

/** What Connect and the fetch of browsers say when an answer stops short, without a code. */
const brokenWords =
  /missing (trailer|end ?stream|output message)|premature|unexpected end|stream closed|fetch failed|failed to fetch|network ?error|load failed|terminated/i;

/** Whether a request certainly has not reached a server. */
function wasNeverSent(failure: ConnectError): boolean {
  return causes(failure).some(
    ({ code, syscall, message }) =>
      syscall === "connect" || unsentCodes.includes(String(code)) || unsentWords.test(message),
  );
}

function causes(error: unknown): { readonly code?: unknown; readonly syscall?: unknown; readonly message: string }[] {
  const chain = [];
  for (let each = error; each instanceof Error && chain.length < 10; each = each.cause) {
    chain.push(each);
  }
  return chain;
}
