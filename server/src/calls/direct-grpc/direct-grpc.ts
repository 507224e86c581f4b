import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { create, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";
import type { BodyBudget } from "../../admission/body-budget.js";
import type { StreamHandler } from "../../listener/port.js";
import { Call } from "../call.js";
import { noteGatedCall } from "../dispatch.js";
import type { CallErrors } from "../errors/report-error.js";
import { type CallGate, passGate } from "../pipeline.js";
import { maxBytesOf } from "../request-bytes.js";
import { methodsByPath, type ServedService } from "../routes.js";
import { GrpcCall } from "./grpc-call.js";
import { readMessage } from "./read-message.js";
import { sendError, sendMessage, sendRefusal } from "./send.js";

export interface GrpcUnaryOptions {
  readonly services: readonly ServedService[];
  readonly callErrors: CallErrors;
  readonly gate: CallGate;
  readonly bodies: BodyBudget;
  readonly maxRequestBytes: number;
  readonly maxDeadlineMs: number;
  /** Aborts the calls that are still running when the time for draining is over. */
  readonly shutdownSignal: AbortSignal;
}

interface UnaryMethod {
  readonly method: DescMethodUnary;
  readonly implementation: (request: Message, context: HandlerContext) => unknown;
}

/**
 * Answers the plainest and most frequent calls, unary gRPC without compression, straight from the HTTP/2 stream: at a sixth of the
 * CPU that Connect needs, whose pipeline of async iterables fits every protocol. Callers and services notice no difference. Whatever
 * is not plain, such as compression, JSON or a malformed deadline, is left to Connect; but other calls of gRPC pass the gate here
 * too, since refusing one must cost little.
 */
export function createGrpcUnary(options: GrpcUnaryOptions): StreamHandler {
  const { services, callErrors, gate, bodies, maxRequestBytes, maxDeadlineMs, shutdownSignal } = options;
  const methods = methodsByPath(services);
  const unary = new Map(services.flatMap(unaryMethods));
  const running = new Set<GrpcCall>();
  // One listener for all: adding and removing one for each call costs more than the call's own part.
  shutdownSignal.addEventListener("abort", () => {
    for (const call of running) {
      call.abort(shutdownSignal.reason);
    }
  });

  async function answer({ method, implementation }: UnaryMethod, call: GrpcCall, body: Uint8Array): Promise<void> {
    let input: Message;
    try {
      input = fromBinary(method.input, body);
    } catch {
      refuse(call, new ConnectError("parse binary", Code.Internal));
      return;
    }
    let output: Uint8Array;
    try {
      output = toBinary(method.output, create(method.output, (await implementation(input, call)) as Message));
    } catch (error) {
      sendError(call, callErrors.report(call.call, error));
      return;
    }
    sendMessage(call, output);
  }

  function refuse(call: GrpcCall, error: unknown): void {
    sendError(call, callErrors.reportRefusal(call.call, error));
  }

  function read(method: UnaryMethod, call: GrpcCall): void {
    const admit = (bytes: number) => bodies.add(call.call, bytes);
    readMessage(call.stream, maxBytesOf(method.method.parent, maxRequestBytes), admit, (message) => {
      if (message instanceof Error) {
        refuse(call, message);
      } else {
        // What is left to fail is a header that a service should not have set.
        answer(method, call, message).catch(() => call.stream.close(constants.NGHTTP2_INTERNAL_ERROR));
      }
    });
  }

  /** How the call is to go on once it was let in; undefined if it is one for Connect. */
  function directly(path: string, headers: IncomingHttpHeaders, flags: number): Direct | undefined {
    const method = unary.get(path);
    if (method === undefined || !isPlain(headers) || (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      return undefined;
    }
    const { timeoutMs, error } = parseTimeout((headers["grpc-timeout"] as string | undefined) ?? null, maxDeadlineMs);
    return error !== undefined || (timeoutMs !== undefined && timeoutMs <= 0) ? undefined : { method, timeoutMs };
  }

  function enter(call: Call, stream: ServerHttp2Stream, { method, timeoutMs }: Direct): void {
    const grpcCall = new GrpcCall(call, stream, timeoutMs);
    running.add(grpcCall);
    if (shutdownSignal.aborted) {
      grpcCall.abort(shutdownSignal.reason);
    }
    stream.once("close", () => {
      running.delete(grpcCall);
      grpcCall.end();
    });
    read(method, grpcCall);
  }

  return (stream, headers, flags, leaveToRequests) => {
    const path = String(headers[":path"]);
    const method = methods.get(path);
    if (method === undefined || !isGrpc(headers)) {
      return false;
    }
    const socket = stream.session?.socket;
    if (socket === undefined) {
      // The connection is gone already.
      return true;
    }
    const direct = directly(path, headers, flags);
    const call = new Call({ path, method, headers, socket });
    let isWaiting = true;
    passGate(
      gate,
      call,
      () => {
        isWaiting = false;
        if (direct !== undefined) {
          enter(call, stream, direct);
        } else {
          noteGatedCall(stream, call);
          leaveToRequests();
        }
      },
      (error) => {
        isWaiting = false;
        sendRefusal(call, stream, callErrors.reportRefusal(call, error));
      },
    );
    if (isWaiting) {
      stream.once("close", () => {
        // Once it was let in, or refused, it is another's to end.
        if (isWaiting) {
          call.leave(new ConnectError("the client has closed the stream", Code.Canceled));
          call.end();
        }
      });
    }
    return true;
  };
}

/** A call that is answered here. */
interface Direct {
  readonly method: UnaryMethod;
  readonly timeoutMs: number | undefined;
}

/** By their paths. A method that the service does not implement is left to Connect, which says so. */
function unaryMethods({ service, implementation }: ServedService): [string, UnaryMethod][] {
  return service.methods.flatMap((method) => {
    const implemented = implementation[method.localName] as UnaryMethod["implementation"] | undefined;
    return method.methodKind === "unary" && implemented !== undefined
      ? [[`/${service.typeName}/${method.name}`, { method: method as DescMethodUnary, implementation: implemented }]]
      : [];
  });
}

/** Whether it is a call of gRPC in its plainest form, whatever is to be said of it. Refusing it needs no more. */
function isGrpc(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"];
  return headers[":method"] === "POST" && (type === "application/grpc" || type === "application/grpc+proto");
}

/** Uncompressed protobuf. Whether the client would take compressed answers does not matter: they are never compressed. */
function isPlain(headers: IncomingHttpHeaders): boolean {
  const { "grpc-encoding": encoding } = headers;
  return encoding === undefined || encoding === "identity";
}
