import { Code, ConnectError } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { ErrorDetailSchema, ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";

/** What a failed call says, in names. */
export interface CallFailure {
  code: string;
  reason: string | undefined;
  outcome: string | undefined;
  retryable: boolean | undefined;
  currentEtag: string | undefined;
  throttlingReasons: string[];
  /** The field of BadRequest. */
  field: string | undefined;
  /** Whether RetryInfo is there. */
  hasRetryInfo: boolean;
  message: string;
  /** The id by which the server's log names the call. */
  id: string | undefined;
}

/** Awaits a call that must fail, and returns what it says. */
export async function failureOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<CallFailure> {
  try {
    if (Symbol.asyncIterator in call) {
      for await (const _ of call) {
        // Only the end matters.
      }
    } else {
      await call;
    }
  } catch (error) {
    return describeFailure(ConnectError.from(error));
  }
  assert.unreachable("the call should have failed");
  throw new Error("unreachable");
}

export function describeFailure(error: ConnectError): CallFailure {
  const [detail] = error.findDetails(ErrorDetailSchema);
  const [badRequest] = error.findDetails(BadRequestSchema);
  return {
    code: Code[error.code],
    reason: nameOf(ErrorReason, detail?.reason),
    outcome: nameOf(Outcome, detail?.outcome),
    retryable: detail?.retryable,
    currentEtag: detail?.currentEtag,
    throttlingReasons: detail?.throttlingReasons ?? [],
    field: badRequest?.fieldViolations[0]?.field,
    hasRetryInfo: error.findDetails(RetryInfoSchema).length > 0,
    message: error.rawMessage,
    id: error.metadata.get("x-request-id") ?? undefined,
  };
}

function nameOf(values: Readonly<Record<string, unknown>>, value: unknown): string | undefined {
  return Object.entries(values).find(([, each]) => each === value)?.[0];
}
