import { constants, type IncomingHttpHeaders } from "node:http2";
import { create, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { CallErrors } from "../call-errors.js";
import type { StreamHandler } from "../port.js";
import type { ServedService } from "../routes.js";
import { GrpcCall } from "./grpc-call.js";
import { parseTimeout } from "./parse-timeout.js";
import { readMessage } from "./read-message.js";
import { sendError, sendMessage } from "./send.js";

export interface GrpcUnaryOptions {
  readonly services: readonly ServedService[];
  readonly callErrors: CallErrors;
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
 * is not plain, such as compression, JSON or a malformed deadline, is left to Connect.
 */
export function createGrpcUnary(options: GrpcUnaryOptions): StreamHandler {
  const { services, callErrors, maxRequestBytes, maxDeadlineMs, shutdownSignal } = options;
  const methods = new Map(services.flatMap(unaryMethods));
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
      refuse(method, call, new ConnectError("parse binary", Code.Internal));
      return;
    }
    let output: Uint8Array;
    try {
      output = toBinary(method.output, create(method.output, (await implementation(input, call)) as Message));
    } catch (error) {
      sendError(call, callErrors.report(method, error, call.startedAt));
      return;
    }
    sendMessage(call, output);
  }

  function refuse(method: DescMethodUnary, call: GrpcCall, error: ConnectError): void {
    sendError(call, callErrors.reportRefusal(method, error, call.startedAt));
  }

  return (stream, headers, flags) => {
    const method = methods.get(String(headers[":path"]));
    if (method === undefined || !isPlain(headers) || (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) {
      return false;
    }
    const timeoutMs = parseTimeout(headers["grpc-timeout"] as string | undefined);
    if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= maxDeadlineMs)) {
      return false;
    }
    const call = new GrpcCall(method.method, stream, headers, timeoutMs);
    running.add(call);
    if (shutdownSignal.aborted) {
      call.abort(shutdownSignal.reason);
    }
    stream.on("error", ignore);
    stream.once("close", () => {
      running.delete(call);
      call.end();
    });
    readMessage(stream, maxRequestBytes, (message) => {
      if (message instanceof ConnectError) {
        refuse(method.method, call, message);
      } else {
        // What is left to fail is a header that a service should not have set.
        answer(method, call, message).catch(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
      }
    });
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

/** Uncompressed protobuf. Whether the client would take compressed answers does not matter: they are never compressed. */
function isPlain(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"];
  const encoding = headers["grpc-encoding"];
  return (
    headers[":method"] === "POST" &&
    (type === "application/grpc" || type === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity")
  );
}

function ignore(): void {}
