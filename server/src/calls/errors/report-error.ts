import type { DescMethod, Message } from "@bufbuild/protobuf";
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { type Call, callKey } from "../call.js";
import { nameOf } from "../enum-names.js";
import { requestIdHeader } from "../header-names.js";
import { recordKeys } from "../recorded-keys.js";
import { withDecodedList } from "../requests/message-check.js";
import { PreparedError } from "./prepared-error.js";
import { type ProtocolLimits, toProtocolError } from "./protocol-errors.js";
import { isWrite, toConnectError } from "./to-connect-error.js";

/** Turns what a call failed with into the error that its caller gets, and notes it with the call. */
export type ReportError = (call: Call, error: unknown) => ConnectError;

/** Gives every failed call its typed error, and notes with the call what it was, for logs, metrics and traces. */
export interface ErrorReporter {
  /** For the calls that reach the service through Connect. */
  readonly interceptor: Interceptor;
  /** For the calls that are refused before: by an interceptor, or by the protocol. */
  readonly reportProtocolError: ReportError;
  /** For the calls that no interceptor stands before. */
  readonly report: ReportError;
}

/** @param onLateFailure is told of a call that fails when it has ended already, such as one whose client had left */
export function createErrorReporter(limits: ProtocolLimits, onLateFailure: (call: Call) => void): ErrorReporter {
  function report(call: Call, error: unknown): ConnectError {
    // Connect reports a body that was cut short by us as its own failure.
    const failure = call.bodyRefusal ?? error;
    if (failure instanceof PreparedError) {
      call.error = failure.asConnectError(call.method);
      call.failure = failure;
      call.reason = nameOf(ErrorReason, failure.reason);
      return call.error;
    }
    const connectError = toCallError(failure, isWrite(call.method) ? Outcome.UNKNOWN : Outcome.UNSPECIFIED);
    // Lets a caller quote the request id to the operator.
    if (call.sentId === undefined) {
      connectError.metadata.set(requestIdHeader, call.id);
    }
    call.error = connectError;
    call.failure = failure;
    call.reason = failure instanceof ConnectError ? undefined : nameOf(ErrorReason, reasonOf(failure));
    for (const [name, value] of Object.entries(call.trailers?.() ?? {})) {
      connectError.metadata.set(name, value);
    }
    if (call.ended) {
      onLateFailure(call);
    }
    return connectError;
  }

  const refusal = (method: DescMethod | undefined, error: unknown) =>
    toProtocolError(error, method, limits, isWrite(method) ? Outcome.NOT_APPLIED : Outcome.UNSPECIFIED);

  return {
    report,
    reportProtocolError: (call, error) =>
      report(call, error instanceof PreparedError ? error : refusal(call.method, error)),
    interceptor: (next) => async (request) => {
      const { method } = request;
      const call = request.contextValues.get(callKey) as Call;
      call.hasReachedService = true;
      const reported = (error: unknown) => report(call, asLeft(error, request.signal));
      try {
        if (!request.stream) {
          recordKeys(call, request.message);
        }
        // The messages of a stream are read by the service: what Connect refuses of them is refused here.
        const response = await next(
          request.stream
            ? { ...request, message: readMessages(request.message, call, (error) => refusal(method, error)) }
            : request,
        );
        if (response.stream) {
          const message = mapFailure(response.message, reported, () => setTrailers(call, response.trailer));
          return { ...response, message };
        }
        setTrailers(call, response.trailer);
        return response;
      } catch (error) {
        throw reported(error);
      }
    },
  };
}

async function* readMessages(messages: AsyncIterable<Message>, call: Call, map: (error: unknown) => Error) {
  for await (const message of mapFailure(messages, map)) {
    recordKeys(call, withDecodedList(call, message));
    yield message;
  }
}

async function* mapFailure<T>(messages: AsyncIterable<T>, map: (error: unknown) => Error, onDone?: () => void) {
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
  }
  onDone?.();
}

function setTrailers({ trailers }: Call, to: Headers): void {
  for (const [name, value] of Object.entries(trailers?.() ?? {})) {
    to.set(name, value);
  }
}

function reasonOf(error: unknown): ErrorReason {
  return error instanceof DynakvError ? error.reason : ErrorReason.INTERNAL;
}

/** What Node says of a write to a stream that is closed. Node 24 passes the system's word on as it is. */
const closedStream = /^(ERR_HTTP2_.*|ERR_STREAM_.*|ECANCELED|ECONNRESET|EPIPE)$/;

/**
 * The error of a call whose client has left in the middle: the reason of its signal, when the service has thrown that, or what
 * Node says of a write to a stream that is closed, which Connect throws into the service's messages. Any other stays as it is.
 */
function asLeft(error: unknown, signal: AbortSignal): unknown {
  const { code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const isThrownReason = signal.aborted && error === signal.reason && !(error instanceof ConnectError);
  return isThrownReason || closedStream.test(String(code)) ? abortError(signal.reason) : error;
}

/**
 * The error that a caller sees. What is not ours is a defect, and tells nothing of what is inside: nor is it known what the
 * call had done by then.
 */
function toCallError(error: unknown, outcomeOfDefect: Outcome): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  const known =
    error instanceof DynakvError
      ? error
      : new DynakvError(ErrorReason.INTERNAL, "internal error", { outcome: outcomeOfDefect });
  return toConnectError(known);
}
