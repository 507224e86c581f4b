import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { ErrorDetailSchema, ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { DynakvError } from "../errors.js";
import { msToDuration, toErrorDetail } from "../service/messages.js";
import { type RefusalLimits, toRefusal } from "./refusals.js";
import { type ReportRefusal, reachedKey } from "./refused-calls.js";

/** Gives every failed call its typed error, and the log a line about it. */
export interface CallErrors {
  /** For the calls that reach the service. */
  readonly interceptor: Interceptor;
  /** For the calls that are refused before: see {@link reportRefusedCalls}. */
  readonly reportRefusal: ReportRefusal;
  /** For the calls that no interceptor stands before: see {@link createGrpcUnary}. */
  readonly report: ReportRefusal;
}

export function createCallErrors(logger: Logger, limits: RefusalLimits): CallErrors {
  function report(method: DescMethod, error: unknown, startedAt: number): ConnectError {
    const connectError = toConnectError(error, isRead(method) ? Outcome.UNSPECIFIED : Outcome.UNKNOWN);
    logFailedCall(logger, {
      method: `${method.parent.typeName}/${method.name}`,
      ms: Math.round(performance.now() - startedAt),
      error,
      code: connectError.code,
    });
    return connectError;
  }

  const refusal = (method: DescMethod, error: unknown) =>
    toRefusal(error, method, limits, isRead(method) ? Outcome.UNSPECIFIED : Outcome.NOT_APPLIED);

  return {
    report,
    reportRefusal: (method, error, startedAt) => report(method, refusal(method, error), startedAt),
    interceptor: (next) => async (request) => {
      const { method } = request;
      const startedAt = performance.now();
      request.contextValues.set(reachedKey, true);
      const reported = (error: unknown) => report(method, error, startedAt);
      try {
        // The messages of a stream are read by the service: what Connect refuses of them is refused here.
        const response = await next(
          request.stream
            ? { ...request, message: mapFailure(request.message, (error) => refusal(method, error)) }
            : request,
        );
        return response.stream ? { ...response, message: mapFailure(response.message, reported) } : response;
      } catch (error) {
        throw reported(error);
      }
    },
  };
}

function isRead(method: DescMethod): boolean {
  return method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

async function* mapFailure<T>(messages: AsyncIterable<T>, map: (error: unknown) => Error) {
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
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
