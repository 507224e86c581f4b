import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call, Pauses } from "./call.js";
import { DynakvError, detailOf, endedHere, fromServer, type WriteOutcome } from "./errors.js";
import type { RetryOptions } from "./retry-options.js";
import { isUnsent } from "./unsent.js";

/** One failed attempt, and what may follow it. */
export interface Failure {
  readonly error: DynakvError;
  readonly mayRepeat: boolean;
}

/**
 * Returns true if a write that failed so may be repeated. An uncertain outcome is retried only where repeating is harmless; a
 * permanent refusal would be refused again.
 */
export function mayRepeatError(error: DynakvError, isHarmless: boolean): boolean {
  return error.retryable || (isHarmless && error.outcome === "UNKNOWN" && transientCodes.has(error.code));
}

/** Context of a failed attempt. */
export interface Attempted {
  readonly method: DescMethod;
  /** True if a repetition does no harm although an attempt before may have been applied. */
  readonly isRepeatable: boolean;
  /** False when it is known that no server can have seen it. */
  readonly wasSent: boolean;
}

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
  return (attempt, { retryAfterMs = 0 }) =>
    attempt >= maxAttempts
      ? undefined
      : retryAfterMs + Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt - 1, 30));
}

/**
 * Returns true if the schema allows that a request is repeated of which nobody knows whether it was applied: its method has no side
 * effects or is idempotent, or it carries a request id, by which the server knows it again.
 */
export function isRepeatable<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  message: MessageShape<I>,
): boolean {
  if (method.idempotency !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN) {
    return true;
  }
  const id = method.input.fields.find(({ name }) => name === "request_id");
  return id !== undefined && (message as unknown as Record<string, unknown>)[id.localName] !== "";
}

export function isRead(method: DescMethod): boolean {
  return method.idempotency === IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** Says what became of an attempt that was not ended on this side. */
export function explainFailure(cause: unknown, { method, isRepeatable, wasSent }: Attempted): Failure {
  const failure = ConnectError.from(cause);
  const detail = detailOf(failure);
  if (detail !== undefined) {
    const error = fromServer(failure, detail);
    return { error, mayRepeat: mayRepeatError(error, isRepeatable) };
  }
  const isLost = isConnectionFailure(failure);
  // Whoever does not know the method has not carried it out.
  const isUnknownMethod = failure.code === Code.Unimplemented;
  const mayBeApplied = wasSent && !isUnknownMethod && !(isLost && wasNeverSent(failure));
  const unsure: WriteOutcome = mayBeApplied ? "UNKNOWN" : "NOT_APPLIED";
  const mayRepeat = isLost && (!mayBeApplied || isRepeatable);
  // grpc-js watches the deadline with a timer of its own.
  const isLate = failure.code === Code.DeadlineExceeded;
  const error = new DynakvError(failure.rawMessage, {
    reason: isLate ? "DEADLINE_EXCEEDED" : isLost ? "UNREACHABLE" : "UNSPECIFIED",
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

/** Time to wait before a stream that reads is taken up where it broke. Throws what it failed with if it is not to be. */
export function pauseAfter(cause: unknown, { call, method, attempt, pauses }: BrokenStream): number {
  if (call.signal.aborted) {
    throw endedHere(call.signal.reason, undefined);
  }
  const { error, mayRepeat } = explainFailure(cause, { method, isRepeatable: true, wasSent: true });
  const pause = mayRepeat ? pauses(attempt, error) : undefined;
  if (pause === undefined || performance.now() + pause >= call.endAt) {
    throw error;
  }
  return pause;
}

/** The codes of what may be over soon. */
const transientCodes: ReadonlySet<Code> = new Set([Code.Unavailable, Code.ResourceExhausted, Code.Aborted]);

/** Node's names for a connection that was not made, and Node's, nghttp2's and grpc-js's words for a stream that was refused. */
const unsentCodes = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"];
const unsentWords =
  /REFUSED_STREAM|No connection established|Name resolution failed|before secure TLS connection was established/;

/** Returns true if a failure that no dynakv server explains is one of the connection, or of a proxy that has lost its own. */
function isConnectionFailure(failure: ConnectError): boolean {
  switch (failure.code) {
    case Code.Unavailable:
    // A stream that was reset, from either side: the call itself was neither cancelled nor refused here.
    case Code.Aborted:
    case Code.Canceled:
      return true;
    case Code.Internal:
    case Code.Unknown:
      return causes(failure).some(
        ({ code, message, errors }) => typeof code === "string" || errors !== undefined || brokenWords.test(message),
      );
    // A server that ends a stream or a connection with ENHANCE_YOUR_CALM. What is too large for either side has this code too.
    case Code.ResourceExhausted:
      return causes(failure).some(({ message }) => calmWords.test(message));
    default:
      return false;
  }
}

/** The name of that code, and what grpc-js says in its place. */
const calmWords = /ENHANCE_YOUR_CALM|^bandwidth exhausted/i;

/** Messages of Connect for a truncated response, and of every platform's fetch for a lost connection, which have no code. */
const brokenWords =
  /missing (trailer|end ?stream|output message)|premature|unexpected end|stream closed|fetch failed|failed to fetch|network ?error|load failed|terminated|connection (was )?lost|error reading a body|error in (body|input) stream/i;

/** Returns true if a request certainly has not reached a server. */
function wasNeverSent(failure: ConnectError): boolean {
  return causes(failure).some(
    (cause) =>
      isUnsent(cause) ||
      cause.syscall === "connect" ||
      unsentCodes.includes(String(cause.code)) ||
      unsentWords.test(cause.message) ||
      // A host with several addresses fails with an error for each.
      (cause.errors?.length !== undefined && cause.errors.length > 0 && cause.errors.every(isOfConnecting)),
  );
}

function isOfConnecting(error: unknown): boolean {
  return error instanceof Error && wasNeverSent(new ConnectError("", Code.Unavailable, undefined, undefined, error));
}

/** An error of Node's, as far as it has to be known. */
interface Cause extends Error {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errors?: readonly unknown[];
}

function causes(error: unknown): Cause[] {
  const chain = [];
  for (let each = error; each instanceof Error && chain.length < 10; each = each.cause) {
    chain.push(each);
  }
  return chain;
}
