import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  type ErrorReason,
  ErrorReasonSchema,
  Outcome,
  OutcomeSchema,
  type ResultError,
} from "../../gen/dynakv/v1/error_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";

/**
 * The reason of a failed call: one of the server (docs/errors.md), or one of the client's own.
 *
 * - `UNREACHABLE`: no answer came, because there was no connection or it was lost.
 * - `UNDECODABLE`: a codec could not read the value.
 * - `UNSPECIFIED`: whoever answered gave no reason that this version of the client knows; `code` tells what there is.
 */
export type Reason = keyof typeof ErrorReason | "UNREACHABLE" | "UNDECODABLE";

/** True if a failed write was applied; `UNKNOWN` when that cannot be determined. */
export type WriteOutcome = "NOT_APPLIED" | "APPLIED" | "UNKNOWN";

interface Facts {
  readonly reason: Reason;
  readonly code: Code;
  readonly outcome?: WriteOutcome | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly currentEtag?: string | undefined;
  readonly field?: string | undefined;
  readonly throttlingReasons?: readonly string[] | undefined;
  readonly callId?: string | undefined;
  readonly issues?: readonly StandardSchemaV1.Issue[] | undefined;
  readonly serverTime?: Date | undefined;
  readonly cause?: unknown;
}

/** The error of every failed call. Switch on `reason`. */
export class DynakvError extends Error {
  override readonly name = "DynakvError";
  readonly reason: Reason;
  /** The status code of gRPC and Connect, which is coarser. */
  readonly code: Code;
  /** Outcome of a write; undefined for a read. */
  readonly outcome: WriteOutcome | undefined;
  /** True if the same call may be repeated without harm, and may then succeed. The client has done so within the deadline. */
  readonly retryable: boolean;
  /** Time to wait first, in milliseconds, where the server says so. */
  readonly retryAfterMs: number | undefined;
  /** For a failed condition: the etag of what the key holds now; undefined when it holds nothing. */
  readonly currentEtag: string | undefined;
  /** The field of the request that was refused, such as `key` or `condition.if_etag`. */
  readonly field: string | undefined;
  /** For `THROTTLED`: DynamoDB's own reasons, where it gave them. */
  readonly throttlingReasons: readonly string[];
  /** Under which id the server's log has the call (`x-request-id`); undefined when no server of ours has answered. */
  readonly callId: string | undefined;
  /** For `UNDECODABLE`, where a schema has refused the value: what it finds wrong, and where. */
  readonly issues: readonly StandardSchemaV1.Issue[] | undefined;
  /**
   * For an increment whose `requestId` was refused for its time, and of which no earlier attempt is in doubt: the server's time.
   * With ids of its own the client has already tried again by it.
   */
  readonly serverTime: Date | undefined;

  constructor(message: string, facts: Facts) {
    super(message, { cause: facts.cause });
    this.reason = facts.reason;
    this.code = facts.code;
    this.outcome = facts.outcome;
    this.retryable = facts.retryable ?? false;
    this.retryAfterMs = facts.retryAfterMs;
    this.currentEtag = facts.currentEtag;
    this.field = facts.field;
    this.throttlingReasons = facts.throttlingReasons ?? [];
    this.callId = facts.callId;
    this.issues = facts.issues;
    this.serverTime = facts.serverTime;
  }

  /** The same error of a read that was made for a write, which has then not begun. */
  beforeWriting(): DynakvError {
    return this.outcome === undefined ? new DynakvError(this.message, { ...this, outcome: "NOT_APPLIED" }) : this;
  }

  /** The same error of a write that an earlier attempt may have applied, whatever the last one was told. */
  withUnknownOutcome(): DynakvError {
    const isCertain = this.outcome === "NOT_APPLIED" || this.serverTime !== undefined;
    return isCertain ? new DynakvError(this.message, { ...this, outcome: "UNKNOWN", serverTime: undefined }) : this;
  }
}

/** Builds the error from the server's detail; an error without one does not come from dynakv. */
export function fromServer(error: ConnectError, detail: ErrorDetail): DynakvError {
  const [retryInfo] = error.findDetails(RetryInfoSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  return new DynakvError(error.rawMessage, {
    ...factsOf(detail),
    code: error.code,
    retryAfterMs: retryInfo && milliseconds(retryInfo.retryDelay),
    field: badRequest?.fieldViolations[0]?.field,
    callId: error.metadata.get("x-request-id") ?? undefined,
    cause: error,
  });
}

/** The error of one key of an mget. */
export function fromResult({ code, message, detail, retryDelay }: ResultError): DynakvError {
  return new DynakvError(message, {
    ...(detail === undefined ? { reason: "UNSPECIFIED" } : factsOf(detail)),
    code: code as Code,
    retryAfterMs: milliseconds(retryDelay),
  });
}

/** The detail that a dynakv server has put into an error. */
export function detailOf(error: ConnectError): ErrorDetail | undefined {
  return error.findDetails(ErrorDetailSchema)[0];
}

function factsOf(
  detail: ErrorDetail,
): Pick<Facts, "reason" | "outcome" | "retryable" | "currentEtag" | "throttlingReasons" | "serverTime"> {
  return {
    reason: (ErrorReasonSchema.value[detail.reason]?.localName ?? "UNSPECIFIED") as Reason,
    outcome: detail.outcome === Outcome.UNSPECIFIED ? undefined : outcomeName(detail.outcome),
    retryable: detail.retryable,
    currentEtag: detail.currentEtag === "" ? undefined : detail.currentEtag,
    throttlingReasons: detail.throttlingReasons,
    serverTime: detail.serverTime && timestampDate(detail.serverTime),
  };
}

/** An outcome that this version does not know is one of which nothing is known. */
function outcomeName(outcome: Outcome): WriteOutcome {
  return (OutcomeSchema.value[outcome]?.localName ?? "UNKNOWN") as WriteOutcome;
}

function milliseconds(duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/**
 * A call that was ended on this side: by its signal, by its deadline, or because the client was closed. Its cause is what its
 * last attempt had failed with, if there was one.
 */
export function endedHere(reason: unknown, outcome: WriteOutcome | undefined, last?: DynakvError): DynakvError {
  const error = ConnectError.from(reason, Code.Canceled);
  // AbortSignal.timeout() is a deadline of the caller's own.
  const isLate = error.code === Code.DeadlineExceeded || (reason instanceof Error && reason.name === "TimeoutError");
  return new DynakvError(error.rawMessage, {
    reason: isLate ? "DEADLINE_EXCEEDED" : "CANCELED",
    code: isLate ? Code.DeadlineExceeded : Code.Canceled,
    outcome,
    cause: last ?? reason,
  });
}
