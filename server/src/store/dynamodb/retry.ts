import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import type { Reason } from "../../errors/error-reasons.js";
import { type BackendFailure, classifyError } from "./aws-errors.js";

/** The first pause before a retry lasts up to this long; each further one up to twice as long as the one before. */
const firstPauseMs = 25;
const longestPauseMs = 1000;
/** The most tries of one request, the first included. */
const maxTries = 5;

/**
 * A budget of retries, as gRPC's retry throttling and the AWS SDK's standard mode have one: each retry costs, each
 * success gives a little back. While a table fails throughout, load on it is then not multiplied by the retries.
 */
export interface RetryBudget {
  /** Takes the cost of a retry of what failed with an error; false when the budget does not have it. */
  take(error: unknown): boolean;
  /** Pays back for a request that succeeded. */
  refund(): void;
}

const budgetCapacity = 500;
const retryCost = 5;

/** @param onAsked is told of each retry that was asked for, what had failed, and whether the budget had it */
export function createRetryBudget(onAsked?: (error: unknown, taken: boolean) => void): RetryBudget {
  let left = budgetCapacity;
  return {
    take(error) {
      const taken = left >= retryCost;
      if (taken) {
        left -= retryCost;
      }
      onAsked?.(error, taken);
      return taken;
    },
    refund() {
      left = Math.min(budgetCapacity, left + 1);
    },
  };
}

/** For a request that is not worth a second try. */
export const noRetries: RetryBudget = { take: () => false, refund() {} };

/** The error of a write for which a read on the way to it failed: that has changed nothing. */
export function readFailed(error: unknown): unknown {
  return error instanceof DynakvError && error.outcome === Outcome.UNSPECIFIED
    ? error.withOutcome(Outcome.NOT_APPLIED)
    : error;
}

export interface RetryOptions {
  readonly budget: RetryBudget;
  readonly signal: AbortSignal;
  /**
   * A read may be repeated whatever happened to it; a write only if it was certainly not applied. A fenced write is made so
   * that of all its tries at most one is applied, and may be repeated as well.
   */
  readonly access: "read" | "write" | "fenced-write";
  /** For a write: what is known of its earlier tries. */
  readonly uncertain?: UncertainOutcome;
  /** The first try, where it was made already. */
  readonly failedTry?: FailedTry | undefined;
}

/** A try that has failed, whatever the signal has done meanwhile. */
export interface FailedTry {
  readonly cause: unknown;
}

/**
 * True if a try of a write may have been applied, or may yet be, that nobody could confirm. From then on no failure of a
 * later try can say that nothing was changed.
 */
export interface UncertainOutcome {
  error?: DynakvError;
}

/** The error of a write, as it is to be told when an earlier try may have been applied. */
export function withUncertainOutcome(uncertain: UncertainOutcome, error: unknown): unknown {
  return uncertain.error !== undefined && error instanceof DynakvError && error.outcome === Outcome.NOT_APPLIED
    ? error.withOutcome(Outcome.UNKNOWN)
    : error;
}

/** A condition that did not hold: for the store to explain, not an error yet. */
export class ConditionFailed {
  readonly failure: BackendFailure & { kind: "condition-failed" };
  constructor(failure: BackendFailure & { kind: "condition-failed" }) {
    this.failure = failure;
  }
}

/**
 * Carries out one DynamoDB request, again where that is safe and may help, until the signal aborts. Rejects with a
 * DynakvError that says what became of a write, or with {@link ConditionFailed}.
 */
export async function withRetries<T>(send: (signal: AbortSignal) => Promise<T>, options: RetryOptions): Promise<T> {
  const { budget, signal, access, uncertain = {} } = options;
  let { failedTry } = options;
  let isClockCorrected = false;
  for (let tries = 1; ; tries++) {
    if (signal.aborted && failedTry === undefined) {
      throw withUncertainOutcome(
        uncertain,
        abortError(signal.reason, access === "read" ? Outcome.UNSPECIFIED : Outcome.NOT_APPLIED),
      );
    }
    try {
      if (failedTry !== undefined) {
        const { cause } = failedTry;
        failedTry = undefined;
        throw cause;
      }
      const answer = await send(signal);
      budget.refund();
      return answer;
    } catch (cause) {
      const failure = classifyError(cause);
      if (failure.kind === "condition-failed") {
        budget.refund();
        throw new ConditionFailed(failure);
      }
      const error = toDynakvError(failure, signal, access);
      if (error.outcome === Outcome.UNKNOWN) {
        uncertain.error = error;
      }
      if (failure.kind === "clock-skew" && !isClockCorrected && !signal.aborted) {
        // The refusal has told the time, and all that is in flight when a clock jumps is refused at once: it costs no budget,
        // and needs no pause.
        isClockCorrected = true;
        continue;
      }
      const harmless = access !== "write" || failure.applied === "no";
      if (signal.aborted || !harmless || !isTransient(failure) || tries >= maxTries || !budget.take(cause)) {
        throw withUncertainOutcome(uncertain, error);
      }
      await pause(tries, signal);
    }
  }
}

/** Waits before the next try: full jitter, so that clients that failed together do not come back together. */
export async function pause(tries: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  const duration = Math.random() * longest;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, duration);
    signal.addEventListener("abort", done);
    if (signal.aborted) {
      done();
    }
  });
}

/** Returns true if the same request may succeed a moment later. */
function isTransient({ kind }: BackendFailure): boolean {
  return (
    kind === "throttled" ||
    kind === "conflict" ||
    kind === "clock-skew" ||
    kind === "unreachable" ||
    kind === "failing" ||
    kind === "foreign"
  );
}

function toDynakvError(failure: BackendFailure, signal: AbortSignal, access: RetryOptions["access"]): DynakvError {
  const outcome =
    access === "read" ? Outcome.UNSPECIFIED : failure.applied === "no" ? Outcome.NOT_APPLIED : Outcome.UNKNOWN;
  if (signal.aborted) {
    return abortError(signal.reason, outcome);
  }
  const [reason, message] = describe(failure);
  return new DynakvError(reason, message, {
    outcome,
    cause: failure.cause,
    ...(failure.kind === "throttled" ? { throttlingReasons: failure.reasons } : {}),
    ...(isTransient(failure) && outcome !== Outcome.UNKNOWN ? { retryAfterMs: longestPauseMs } : {}),
  });
}

function describe(failure: BackendFailure): [Reason, string] {
  const { kind } = failure;
  switch (kind) {
    case "throttled":
      return [ErrorReason.THROTTLED, "DynamoDB throttled the request"];
    case "conflict":
      return [ErrorReason.CONTENTION, "the item is part of a transaction in progress"];
    case "unreachable":
      return failure.applied === "no"
        ? [ErrorReason.BACKEND_UNAVAILABLE, "DynamoDB cannot be reached"]
        : [ErrorReason.BACKEND_UNAVAILABLE, "DynamoDB's response was lost"];
    case "failing":
      return [ErrorReason.BACKEND_UNAVAILABLE, "DynamoDB returned an internal error"];
    case "foreign":
      return [ErrorReason.BACKEND_UNAVAILABLE, "an intermediary answered instead of DynamoDB"];
    case "aborted":
      return [ErrorReason.BACKEND_UNAVAILABLE, "the request to DynamoDB was aborted"];
    case "clock-skew":
      return [ErrorReason.BACKEND_DENIED, "DynamoDB rejects this server's signatures: its clock is skewed"];
    case "no-credentials":
      return [ErrorReason.BACKEND_DENIED, "this server has no credentials for DynamoDB"];
    case "misconfigured":
      return [ErrorReason.BACKEND_DENIED, "this server's AWS configuration is invalid; see its log"];
    case "denied":
      return [ErrorReason.BACKEND_DENIED, "DynamoDB denied access: check this server's credentials and IAM policy"];
    case "table-missing":
      return [ErrorReason.TABLE_UNAVAILABLE, "the table is missing or not active"];
    case "item-too-large":
      return [ErrorReason.VALUE_TOO_LARGE, "the item would exceed DynamoDB's limit"];
    case "invalid":
    case "unsupported":
    case "condition-failed":
      return [ErrorReason.TABLE_UNAVAILABLE, "DynamoDB rejected the request; the table schema may not match"];
  }
}
