import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { ErrorDetailSchema, ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { DynakvError } from "../errors.js";
import { msToDuration, toErrorDetail } from "../service/messages.js";

/** Gives every failed call its typed error, and the log a line about it. */
export function createErrorInterceptor(logger: Logger): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const report = (error: unknown): ConnectError => {
      const isRead = request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      const connectError = toConnectError(error, isRead ? Outcome.UNSPECIFIED : Outcome.UNKNOWN);
      logFailedCall(logger, {
        method: `${request.service.typeName}/${request.method.name}`,
        ms: Math.round(performance.now() - startedAt),
        error,
        code: connectError.code,
      });
      return connectError;
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: reportFailure(response.message, report) } : response;
    } catch (error) {
      throw report(error);
    }
  };
}

async function* reportFailure<T>(messages: AsyncIterable<T>, report: (error: unknown) => ConnectError) {
  try {
    yield* messages;
  } catch (error) {
    throw report(error);
  }
}

/**
 * The error that a caller sees. What is not ours is a defect, and tells nothing of what is inside: nor is it known what the
 * call had done by then.
 */
function toConnectError(error: unknown, outcomeOfDefect: Outcome): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  const known =
    error instanceof DynakvError
      ? error
      : new DynakvError(ErrorReason.INTERNAL, "internal error", { outcome: outcomeOfDefect });
  const details = [
    { desc: ErrorDetailSchema, value: toErrorDetail(known) },
    ...(known.field === undefined
      ? []
      : [
          {
            desc: BadRequestSchema,
            value: { fieldViolations: [{ field: known.field, description: known.message }] },
          },
        ]),
    ...(known.retryAfterMs === undefined
      ? []
      : [{ desc: RetryInfoSchema, value: { retryDelay: msToDuration(known.retryAfterMs) } }]),
  ];
  return new ConnectError(known.message, known.code, undefined, details, known.cause);
}

interface FailedCall {
  readonly method: string;
  readonly ms: number;
  readonly code: Code;
  readonly error: unknown;
}

// Neither keys nor values stand in these lines. Nor does the message of an AWS error: it can quote the request's headers.
function logFailedCall(logger: Logger, { method, ms, code, error }: FailedCall): void {
  const fields = { method, code: Code[code], ms };
  if (error instanceof DynakvError) {
    const reason = reasonNames.get(error.reason);
    const outcome = error.outcome === Outcome.UNSPECIFIED ? undefined : outcomeNames.get(error.outcome);
    const backend = error.cause === undefined ? undefined : describeCause(error.cause);
    logger[code === Code.Unavailable ? "warn" : "info"]({ ...fields, reason, outcome, backend }, "call failed");
  } else if (error instanceof ConnectError) {
    logger.info(fields, "call failed");
  } else {
    logger.error({ ...fields, defect: describeDefect(error) }, "call failed by a defect");
  }
}

const reasonNames = namesOf(ErrorReason);
const outcomeNames = namesOf(Outcome);

function namesOf(values: Readonly<Record<string, unknown>>): Map<unknown, string> {
  return new Map(Object.entries(values).map(([name, value]) => [value, name]));
}

function describeCause(cause: unknown): object {
  const { name, code, $metadata } = cause as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  return { error: name, code, status: $metadata?.httpStatusCode, requestId: $metadata?.requestId };
}

/** Where a defect is, without its message, which may quote what it stumbled over. */
function describeDefect(error: unknown): object {
  if (!(error instanceof Error)) {
    return { name: typeof error };
  }
  return { name: error.name, stack: error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) };
}
