import type { OutgoingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Exchange } from "../listener/exchange.js";
import { type BodyLimit, countBytes } from "./body-limit.js";
import { Call } from "./call.js";
import { type ConnectCallsOptions, createConnectCalls } from "./connect-calls.js";
import { createCors } from "./cors.js";
import { createDirectGrpc } from "./direct-grpc/direct-grpc.js";
import { headOf, toWireError } from "./errors/write-error.js";
import { requestIdHeader } from "./header-names.js";
import type { Pipeline } from "./pipeline.js";
import { methodsByPath } from "./routes.js";

export interface DispatchOptions extends ConnectCallsOptions {
  /** What each call passes before its body is read. */
  readonly pipeline: Pipeline;
  /** What the bodies of all calls may hold together. */
  readonly bodies: BodyLimit;
  /** The origins whose pages may call. */
  readonly corsOrigins: readonly string[];
}

/**
 * Where every call begins, whatever its protocol: it passes the pipeline, and is then answered straight from its stream if it is the
 * plainest kind of gRPC, and by Connect's handlers otherwise.
 */
export function createDispatch(options: DispatchOptions): (exchange: Exchange) => void {
  const { services, pipeline, bodies, errors } = options;
  const methods = methodsByPath(services);
  const cors = createCors(options.corsOrigins);
  const direct = createDirectGrpc(options);
  const answerByConnect = createConnectCalls(options);

  /** Answers a call with an error of which nothing but the head was read. */
  function refuse(call: Call, exchange: Exchange, error: unknown): void {
    const reported = errors.reportRefusal(call, error);
    call.end();
    respondWithError(call, exchange, reported);
  }

  function respondWithError(call: Call, exchange: Exchange, error: ConnectError): void {
    const { status, body, ...head } = toWireError(call.form, call.headers["content-type"], error);
    exchange.respond(status, { ...commonHeaders(call, exchange), ...headOf(head) }, body);
  }

  /**
   * Nobody serves this path. A client of gRPC expects a status of its own for that, and so do the health checks of load balancers;
   * it has none of dynakv's details, since the path is none of dynakv's.
   */
  function refuseUnknown(call: Call, exchange: Exchange): void {
    const error = new ConnectError("this server has no such method", Code.Unimplemented);
    call.error = error;
    call.failure = error;
    call.end();
    if (call.protocol === "connect") {
      exchange.respond(404, commonHeaders(call, exchange));
    } else {
      respondWithError(call, exchange, error);
    }
  }

  function answer(call: Call, exchange: Exchange): void {
    const opened = exchange.open();
    if (opened === undefined) {
      return;
    }
    const { request, response } = opened;
    for (const [name, value] of Object.entries(commonHeaders(call, exchange))) {
      response.setHeader(name, value as string);
    }
    countBytes(request, response, call, bodies);
    if (request.headers.expect !== undefined) {
      response.writeContinue();
    }
    try {
      answerByConnect(call, request, response);
    } catch (error) {
      refuse(call, exchange, error);
    }
  }

  function commonHeaders({ sentId }: Call, exchange: Exchange): OutgoingHttpHeaders {
    return { ...cors.headersFor(exchange), ...(sentId !== undefined && { [requestIdHeader]: sentId }) };
  }

  return (exchange) => {
    const preflight = cors.preflightHeaders(exchange);
    if (preflight !== undefined) {
      exchange.respond(204, preflight);
      return;
    }
    const { expect } = exchange.headers;
    // Case does not matter (RFC 9110, section 10.1.1), and there is no other expectation.
    if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
      exchange.respond(417, {});
      return;
    }
    const [path = ""] = exchange.url.split("?", 1);
    const method = methods.get(path);
    const { method: httpMethod, headers, socket } = exchange;
    const call = new Call({ path, httpMethod, method, headers, socket });
    exchange.onClose((isAnswered) => {
      if (!isAnswered && !call.ended) {
        call.leave(new ConnectError("the client has left", Code.Canceled));
      }
      call.end();
    });
    pipeline(
      call,
      () => {
        if (method === undefined) {
          refuseUnknown(call, exchange);
        } else if (!direct(call, exchange)) {
          answer(call, exchange);
        }
      },
      (error) => refuse(call, exchange, error),
    );
  };
}
