import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { PreparedError } from "../calls/errors/prepared-error.js";

export type ShedKind = "maxCalls" | "maxCallsPerCaller" | "overload" | "late" | "memory" | "slowClient";

const definitions: Readonly<Record<ShedKind, { message: string; reason: typeof ErrorReason.OVERLOADED }>> = {
  maxCalls: { reason: ErrorReason.OVERLOADED, message: "too many concurrent calls" },
  maxCallsPerCaller: {
    reason: ErrorReason.OVERLOADED,
    message: "too many concurrent calls from this caller",
  },
  overload: { reason: ErrorReason.OVERLOADED, message: "the server is overloaded" },
  late: {
    reason: ErrorReason.OVERLOADED,
    message: "the server is overloaded; the call would miss its deadline",
  },
  memory: {
    reason: ErrorReason.OVERLOADED,
    message: "the server's memory limit for requests and responses is reached",
  },
  slowClient: {
    reason: ErrorReason.OVERLOADED,
    message: "call evicted to free memory: the client has not read for seconds",
  },
};

/** Range of RetryInfo for shed calls, in milliseconds: spread, to avoid a thundering herd. */
const retryFromMs = 500;
const retryToMs = 1500;
const spread = 16;

const errors = new Map(
  Object.entries(definitions).map(([kind, { reason, message }]) => [
    kind,
    Array.from({ length: spread }, (_, n) => {
      const retryAfterMs = Math.round(retryFromMs + ((retryToMs - retryFromMs) * n) / (spread - 1));
      return new PreparedError(reason, message, { retryAfterMs, counted: true });
    }),
  ]),
);

/** One of the errors of a kind, which differ in when they ask to come back. */
export function shedError(kind: ShedKind): PreparedError {
  return errors.get(kind)?.[Math.floor(Math.random() * spread)] as PreparedError;
}
