import { constants, type ServerHttp2Stream } from "node:http2";
import { create, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Exchange } from "../../listener/exchange.js";
import type { Call } from "../call.js";
import type { CallMemory } from "../call-memory.js";
import type { ErrorReporter } from "../errors/report-error.js";
import { holdAnswer } from "../hold-answer.js";
import { recordKeys } from "../recorded-keys.js";
import { maxBytesOf } from "../request-bytes.js";
import { copiedBytes } from "../requests/message-check.js";
import { createMessageScan } from "../requests/scan-message.js";
import type { ServedService } from "../routes.js";
import { GrpcCall } from "./grpc-call.js";
import { readMessage } from "./read-message.js";
import { sendError, sendMessage } from "./send.js";

export interface DirectGrpcOptions {
  readonly services: readonly ServedService[];
  readonly errors: ErrorReporter;
  readonly memory: CallMemory;
  readonly maxRequestBytes: number;
  /** Aborts the calls that are still running when the time for draining is over. */
  readonly shutdownSignal: AbortSignal;
}

/** A request of so many bytes costs little, whatever is in it, and an answer of so many is on its way with its head. */
const smallBytes = 4096;

interface UnaryMethod {
  readonly method: DescMethodUnary;
  readonly implementation: (request: Message, context: HandlerContext) => unknown;
}

/** Answers a call, or leaves its exchange untouched and returns false. */
export type DirectGrpc = (call: Call, exchange: Exchange) => boolean;

/**
 * Answers the plainest and most frequent calls, unary gRPC without compression, straight from the HTTP/2 stream: at a sixth of the
 * CPU that Connect needs, whose pipeline of async iterables fits every protocol. Callers and services notice no difference. Whatever
 * is not plain, such as compression, JSON or a stream, is left to Connect.
 */
export function createDirectGrpc(options: DirectGrpcOptions): DirectGrpc {
  const { services, errors, memory, maxRequestBytes, shutdownSignal } = options;
  const methods = new Map(services.flatMap(unaryMethods));
  const running = new Set<GrpcCall>();
  // One listener for all: adding and removing one for each call costs more than the call's own part.
  shutdownSignal.addEventListener("abort", () => {
    for (const call of running) {
      call.abort(shutdownSignal.reason);
    }
  });

  async function answer({ method, implementation }: UnaryMethod, call: GrpcCall, body: Uint8Array): Promise<void> {
    memory.clientMoved(call.call);
    if (call.call.bodyRefusal !== undefined) {
      // It has given way since the last of it came, and was told so.
      call.call.end();
      return;
    }
    if (body.length > smallBytes) {
      const refusal =
        createMessageScan(method.input, Number.POSITIVE_INFINITY).add(body) ??
        memory.hold(call.call, copiedBytes(body.length));
      if (refusal !== undefined) {
        refuse(call, refusal);
        return;
      }
    }
    let input: Message;
    try {
      input = fromBinary(method.input, body);
    } catch {
      refuse(call, new ConnectError("parse binary", Code.Internal));
      return;
    }
    recordKeys(call.call, input);
    let output: Uint8Array;
    try {
      output = toBinary(method.output, create(method.output, (await implementation(input, call)) as Message));
    } catch (error) {
      sendError(call, errors.report(call.call, error));
      return;
    }
    const refusal = holdAnswer(memory, call.call, output.length);
    if (refusal !== undefined) {
      sendError(call, errors.report(call.call, refusal));
      return;
    }
    sendMessage(call, output);
    if (output.length > smallBytes) {
      memory.awaitClient(call.call);
    }
  }

  function refuse(call: GrpcCall, error: unknown): void {
    sendError(call, errors.reportRefusal(call.call, error));
  }

  function read(method: UnaryMethod, call: GrpcCall): void {
    const admit = (bytes: number) => memory.addBody(call.call, bytes);
    readMessage(call.stream, maxBytesOf(method.method.parent, maxRequestBytes), admit, (message) => {
      if (message instanceof Error) {
        refuse(call, message);
      } else {
        // What is left to fail is a header that a service should not have set.
        answer(method, call, message).catch(() => call.stream.close(constants.NGHTTP2_INTERNAL_ERROR));
      }
    });
  }

  return (call, exchange) => {
    const method = methods.get(call.path);
    const stream = method === undefined ? undefined : plainStream(call, exchange);
    if (method === undefined || stream === undefined) {
      return false;
    }
    const grpcCall = new GrpcCall(call, stream);
    running.add(grpcCall);
    if (shutdownSignal.aborted) {
      grpcCall.abort(shutdownSignal.reason);
    }
    call.onEnd(() => {
      running.delete(grpcCall);
      grpcCall.end();
    });
    read(method, grpcCall);
    return true;
  };
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

/**
 * The stream of a call in gRPC's plainest form: protobuf without compression, of a client that does not wait to be asked for its body.
 * Whether it would take compressed answers does not matter: they are never compressed.
 */
function plainStream(call: Call, exchange: Exchange): ServerHttp2Stream | undefined {
  const { "content-type": type, "grpc-encoding": encoding, expect } = call.headers;
  const isPlain =
    call.httpMethod === "POST" &&
    (type === "application/grpc" || type === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity") &&
    expect === undefined &&
    // A deadline that has passed already.
    (call.timeoutMs === undefined || call.timeoutMs > 0) &&
    !exchange.endsWithHead;
  return isPlain ? exchange.stream : undefined;
}
