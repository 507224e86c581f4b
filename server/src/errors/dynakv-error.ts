import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { type Reason, reasonDefinitions } from "./error-reasons.js";

export interface DynakvErrorOptions {
  /** For a write: what it has done. Default: UNSPECIFIED, which is what reads leave it at. */
  outcome?: Outcome;
  /** The path of the request's field that is wrong, such as `condition.if_etag`. */
  field?: string;
  /** The etag that the key holds, for a failed condition. */
  currentEtag?: string | undefined;
  /** Time to wait before a retry, in milliseconds. */
  retryAfterMs?: number;
  /** DynamoDB's own reasons for throttling. */
  throttlingReasons?: readonly string[];
  /** The server's time in epoch milliseconds, where the time of the request's id is refused. */
  serverTimeMs?: number | undefined;
  /** True if the same request may be repeated though its outcome is unknown, since it is counted once. Default: false. */
  repeatable?: boolean;
  /** True if the log tells of such failures in sums: one line for each would let anybody fill it. Default: false. */
  counted?: boolean;
  /** Underlying error. For the log only: callers never see it. */
  cause?: unknown;
}

/** Time to wait before a retry where nothing better is known. */
const defaultRetryMs = 1000;

/** Every failure that the service knows by name. Its message is for callers: it never holds a key, a value or a secret. */
export class DynakvError extends Error {
  override readonly name = "DynakvError";
  readonly reason: Reason;
  readonly outcome: Outcome;
  readonly field: string | undefined;
  readonly currentEtag: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly throttlingReasons: readonly string[];
  readonly serverTimeMs: number | undefined;
  readonly repeatable: boolean;
  readonly counted: boolean;

  constructor(reason: Reason, message: string, options: DynakvErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.outcome = options.outcome ?? Outcome.UNSPECIFIED;
    this.field = options.field;
    this.currentEtag = options.currentEtag;
    this.retryAfterMs = options.retryAfterMs;
    this.throttlingReasons = options.throttlingReasons ?? [];
    this.serverTimeMs = options.serverTimeMs;
    this.repeatable = options.repeatable ?? false;
    this.counted = options.counted ?? false;
  }

  get code(): Code {
    return reasonDefinitions[this.reason].code;
  }

  /** Returns true if the same request may be repeated without harm, and may then succeed. */
  get retryable(): boolean {
    const mayBeApplied = this.outcome === Outcome.UNKNOWN || this.outcome === Outcome.APPLIED;
    return reasonDefinitions[this.reason].transient && (!mayBeApplied || this.repeatable);
  }

  /** The same error with the outcome set: what the store found out once it knew what the write had done. */
  withOutcome(outcome: Outcome): DynakvError {
    return new DynakvError(this.reason, this.message, { ...this.options(), outcome });
  }

  /** The same error of a request that counts once, however often it is sent. */
  asRepeatable(): DynakvError {
    const { transient } = reasonDefinitions[this.reason];
    const wait = transient ? { retryAfterMs: this.retryAfterMs ?? defaultRetryMs } : {};
    return new DynakvError(this.reason, this.message, { ...this.options(), ...wait, repeatable: true });
  }

  /** The same error, with the time that the request's id should have had. */
  withServerTime(serverTimeMs: number): DynakvError {
    return new DynakvError(this.reason, this.message, { ...this.options(), serverTimeMs });
  }

  private options(): DynakvErrorOptions {
    const { outcome, field, currentEtag, retryAfterMs, throttlingReasons, repeatable, counted, cause } = this;
    return {
      outcome,
      serverTimeMs: this.serverTimeMs,
      currentEtag,
      throttlingReasons,
      repeatable,
      counted,
      cause,
      ...(field === undefined ? {} : { field }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
}

/** Returns true if an error is that of a write which was refused for this reason, and has changed nothing. */
export function refusedFor(error: unknown, reason: Reason): boolean {
  return error instanceof DynakvError && error.reason === reason && error.outcome === Outcome.NOT_APPLIED;
}

/** A bad field of a request. Nothing was changed. */
export function invalidField(reason: Reason, field: string, message: string): DynakvError {
  return new DynakvError(reason, `${field}: ${message}`, { field });
}

/**
 * Maps an aborted signal to its error: the deadline has passed, the server shuts down, or the caller has left. Connect aborts a
 * call's signal with a ConnectError that tells which; AbortSignal.timeout with a TimeoutError.
 */
export function abortError(reason: unknown, outcome: Outcome = Outcome.UNSPECIFIED): DynakvError {
  const code = reason instanceof ConnectError ? reason.code : undefined;
  if (code === Code.DeadlineExceeded || (reason instanceof DOMException && reason.name === "TimeoutError")) {
    return new DynakvError(ErrorReason.DEADLINE_EXCEEDED, "the deadline has passed", { outcome });
  }
  if (code === Code.Unavailable) {
    return new DynakvError(ErrorReason.SHUTTING_DOWN, "the server is shutting down", { outcome });
  }
  return new DynakvError(ErrorReason.CANCELED, "the call was canceled", { outcome });
}

/**
 * The backend cannot be served from as it is set up. A transient one, such as an endpoint that does not answer, is tried
 * again by itself; the others need the operator, and end the process at start-up.
 */
export class SetupError extends Error {
  override readonly name = "SetupError";
  readonly code = Code.FailedPrecondition;
  readonly transient: boolean;

  constructor(message: string, options: { transient: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.transient = options.transient;
  }
}
