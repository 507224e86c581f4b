import { ConnectError } from "@connectrpc/connect";
import type { Entry } from "../../../gen/dynakv/v1/entry_pb.js";
import { describeFailure } from "../../../server/test/support/errors.js";
import type { Refusal, Result, SeenEntry } from "../check/operation.js";

/** A failure that no fault explains. */
export class UnexpectedFailure extends Error {}

const refusalReasons: readonly string[] = [
  "ALREADY_EXISTS",
  "NOT_PRESENT",
  "ETAG_MISMATCH",
  "WRONG_KIND",
  "OUT_OF_BOUNDS",
] satisfies Refusal[];

/** What the faults, the deadlines and the clock of these runs bring about. */
const explained: readonly string[] = [
  "THROTTLED",
  "BACKEND_UNAVAILABLE",
  "CONTENTION",
  "DEADLINE_EXCEEDED",
  "CANCELED",
  "REQUEST_TOO_OLD",
  // The clock has passed the expiry before the server saw it.
  "INVALID_EXPIRY",
];

/** What a failed call says about its operation. Throws an UnexpectedFailure when it should not have failed so. */
export function resultOfFailure(cause: unknown): { readonly result: Result; readonly retryable: boolean } {
  if (cause instanceof UnexpectedFailure) {
    throw cause;
  }
  const {
    code,
    reason,
    outcome,
    retryable = false,
    currentEtag = "",
    message,
  } = describeFailure(ConnectError.from(cause));
  if (reason === undefined) {
    // The client itself has given up.
    if (code !== "DeadlineExceeded" && code !== "Canceled") {
      throw new UnexpectedFailure(`${code} without details: ${message}`);
    }
    return { result: { outcome: "unknown", why: `${code} at the client` }, retryable };
  }
  const isRefusal = refusalReasons.includes(reason);
  // A swap is found to be applied whose answer was lost, and with it what it has replaced.
  const isSwapped = outcome === "APPLIED" && reason === "BACKEND_UNAVAILABLE" && !retryable;
  if ((outcome === "APPLIED" && !isSwapped) || (!isRefusal && !explained.includes(reason))) {
    throw new UnexpectedFailure(`${code} ${reason} ${outcome}: ${message}`);
  }
  if (outcome === "UNKNOWN" || isSwapped) {
    return { result: { outcome: "unknown", why: reason }, retryable };
  }
  const seen = currentEtag === "" ? undefined : currentEtag;
  return isRefusal
    ? { result: { outcome: "refused", reason: reason as Refusal, currentEtag: seen }, retryable }
    : { result: { outcome: "not-applied", why: reason }, retryable };
}

export function toSeenEntry({ data, etag, expireTime }: Entry): SeenEntry {
  const expireAt = msOf(expireTime);
  switch (data.case) {
    case "value":
      return { content: { kind: "value", value: new TextDecoder().decode(data.value) }, etag, expireAt };
    case "counter":
      return { content: { kind: "counter", count: data.value }, etag, expireAt };
    default:
      throw new UnexpectedFailure("an entry holds neither a value nor a counter");
  }
}

/** Expiries are whole milliseconds. */
export function msOf(time: { readonly seconds: bigint; readonly nanos: number } | undefined): number | undefined {
  return time === undefined ? undefined : Number(time.seconds) * 1000 + time.nanos / 1e6;
}
