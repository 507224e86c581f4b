import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import type { BodyBudget } from "../admission/body-budget.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { RequestHandler } from "../listener/port.js";
import { countBytes } from "./body-limit.js";
import { Call, requestIdHeader } from "./call.js";
import type { CallErrors } from "./errors/report-error.js";
import { answerError } from "./errors/write-error.js";
import { type CallGate, passGate } from "./pipeline.js";

export interface GatedRequestsOptions {
  readonly gate: CallGate;
  readonly bodies: BodyBudget;
  readonly callErrors: CallErrors;
  /** The RPCs by their paths. */
  readonly methods: ReadonlyMap<string, DescMethod>;
}

/** Answers a request that was let in, as a part of its call. */
export type CallRequestHandler = (request: NodeRequest, response: NodeResponse, call: Call) => void;
export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

const gated = new WeakMap<object, Call>();

/** Notes that the call of a stream has passed the gate already. */
export function noteGatedCall(stream: ServerHttp2Stream, call: Call): void {
  gated.set(stream, call);
}

/** Has each request pass the gate before any of its body is read, and refuses in the protocol of the caller. */
export function withGate(handler: CallRequestHandler, options: GatedRequestsOptions): RequestHandler {
  const { gate, bodies, callErrors, methods } = options;
  return (request, response) => {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const passed = "stream" in request ? gated.get(request.stream) : undefined;
    const call =
      passed ?? new Call({ path, method: methods.get(path), headers: request.headers, socket: socketOf(request) });
    if (call.sentId !== undefined) {
      response.setHeader(requestIdHeader, call.sentId);
    }
    response.once("close", () => {
      // Node takes an HTTP/2 answer that was cut off for one that was sent, and an HTTP/1 one that was not sent for one that was ended.
      if (!response.writableEnded || !response.writableFinished) {
        call.leave(new ConnectError("the client has left", Code.Canceled));
      }
      call.end();
    });
    countBytes(request, response, call, bodies);
    const refuse = (error: unknown) => answerError(request, response, callErrors.reportRefusal(call, error));
    const enter = () => {
      if (request.headers.expect === "100-continue") {
        response.writeContinue();
      }
      try {
        handler(request, response, call);
      } catch {
        // connect-node throws here, instead of answering, when it can make no URL of what the request says of its host.
        refuse(new DynakvError(ErrorReason.INVALID_FIELD, "the request has no valid host"));
      }
    };
    if (passed !== undefined) {
      enter();
    } else {
      passGate(gate, call, enter, refuse);
    }
  };
}

/** The connection of a request, which is one for all that come by it: those of HTTP/2 have a stand-in each. */
function socketOf(request: NodeRequest): Socket {
  return ("stream" in request ? request.stream.session?.socket : undefined) ?? request.socket;
}
