import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { isWrite, toConnectError } from "../calls/errors/to-connect-error.js";
import { DynakvError } from "../errors/dynakv-error.js";

/** Why a call was not taken. */
export type RefusalKind = "maxCalls" | "maxCallsPerCaller" | "overload" | "late" | "bodies";

const definitions: Readonly<Record<RefusalKind, { message: string; reason: typeof ErrorReason.OVERLOADED }>> = {
  maxCalls: { reason: ErrorReason.OVERLOADED, message: "the server has as many calls under way as it takes" },
  maxCallsPerCaller: {
    reason: ErrorReason.OVERLOADED,
    message: "this caller has as many calls under way as it may have",
  },
  overload: { reason: ErrorReason.OVERLOADED, message: "the server is overloaded" },
  late: {
    reason: ErrorReason.OVERLOADED,
    message: "the server is overloaded, and would not answer before the deadline",
  },
  bodies: {
    reason: ErrorReason.OVERLOADED,
    message: "the server holds as many bytes of large requests as it takes",
  },
};

/**
 * A refusal that is made before there is anything to refuse, once for all calls: what is done for a call that is refused must
 * cost little, or refusing would be an overload of its own. It is not logged by call, so it names no id but one that the caller has sent.
 */
export class PreparedRefusal extends DynakvError {
  private read: ConnectError | undefined;
  private write: ConnectError | undefined;

  /** The same error each time, by whether the method writes. */
  asConnectError(method: DescMethod | undefined): ConnectError {
    if (isWrite(method)) {
      this.write ??= toConnectError(this.withOutcome(Outcome.NOT_APPLIED));
      return this.write;
    }
    this.read ??= toConnectError(this);
    return this.read;
  }
}

/** When the refused shall come back, in milliseconds: spread, so that they do not come back together. */
const retryFromMs = 500;
const retryToMs = 1500;
const spread = 16;

const refusals = new Map(
  Object.entries(definitions).map(([kind, { reason, message }]) => [
    kind,
    Array.from({ length: spread }, (_, n) => {
      const retryAfterMs = Math.round(retryFromMs + ((retryToMs - retryFromMs) * n) / (spread - 1));
      return new PreparedRefusal(reason, message, { retryAfterMs, counted: true });
    }),
  ]),
);

/** One of the refusals of a kind, which differ in when they ask to come back. */
export function refusalOf(kind: RefusalKind): PreparedRefusal {
  return refusals.get(kind)?.[Math.floor(Math.random() * spread)] as PreparedRefusal;
}
