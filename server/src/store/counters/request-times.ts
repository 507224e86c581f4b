import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, invalidField } from "../../errors/dynakv-error.js";
import type { UncertainOutcome } from "../dynamodb/retry.js";
import { type RequestId, timeOf } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";

/** Tolerated lead of a caller's clock, in milliseconds. */
const maxAheadMs = 60_000;

/** Reason why an id may only be looked up; undefined when it may be added. */
export type Untimely = "old" | "ahead" | undefined;

/**
 * Compares the time in an id with the server's clock. What is remembered of an id from before the window may be gone. One that
 * is far ahead would stay remembered for as long beyond the window. A server's own are made by its clock, which may have been
 * set back since.
 */
export function untimely({ clock, requests }: StoreContext, { sequence, isOwn }: RequestId): Untimely {
  const aheadMs = timeOf(sequence) - clock();
  return aheadMs < -requests.windowMs ? "old" : aheadMs > maxAheadMs && !isOwn ? "ahead" : undefined;
}

/** The error of an id that is untimely, and was found nowhere. */
export function refuseUntimely(
  { clock, requests }: StoreContext,
  { sequence }: RequestId,
  why: "old" | "ahead",
): DynakvError {
  if (why === "old") {
    return tooOld(`its time lies more than ${requests.windowMs / 1000} s back`);
  }
  const nowMs = clock();
  const seconds = Math.ceil((timeOf(sequence) - nowMs) / 1000);
  const limit = maxAheadMs / 1000;
  const message = `its time is ${seconds} s ahead of the server's; at most ${limit} s are taken`;
  return invalidField(ErrorReason.INVALID_FIELD, "request_id", message)
    .withServerTime(nowMs)
    .withOutcome(Outcome.NOT_APPLIED);
}

export function tooOld(why: string): DynakvError {
  return new DynakvError(
    ErrorReason.REQUEST_TOO_OLD,
    `request_id: ${why}; this request added nothing; an earlier one with this id may have`,
    { field: "request_id", outcome: Outcome.UNKNOWN },
  );
}

/**
 * Error details for an untimely id: the server's time, with which its caller may make another id and send the increment under
 * that. So not while an earlier try of this same request may still be applied.
 */
export function tellTime({ clock }: StoreContext, uncertain: UncertainOutcome, error: unknown): unknown {
  if (!(error instanceof DynakvError) || error.reason !== ErrorReason.REQUEST_TOO_OLD) {
    return error;
  }
  return uncertain.error === undefined
    ? error.withServerTime(clock())
    : new DynakvError(
        ErrorReason.REQUEST_TOO_OLD,
        "request_id: it expired while the outcome was uncertain; whether it was applied can no longer be determined",
        { field: "request_id", outcome: Outcome.UNKNOWN },
      );
}
