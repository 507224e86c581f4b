import type { OutgoingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Exchange } from "../listener/exchange.js";
import { countRequest, countResponse } from "./body-limit.js";
import { Call } from "./call.js";
import { type ConnectCallsOptions, createConnectCalls } from "./connect-calls.js";
import type { Console } from "./console/console.js";
import { type CorsOptions, createCors } from "./cors.js";
import { createDirectGrpc } from "./direct-grpc/direct-grpc.js";
import { headOf, toWireError } from "./errors/write-error.js";
import { requestIdHeader } from "./header-names.js";
import { isSameOrigin } from "./host-guard.js";
import type { Pipeline } from "./pipeline.js";
import { methodsByPath } from "./routes.js";

export interface DispatchOptions extends ConnectCallsOptions {
  /** Interceptors that run before the body is read. */
  readonly pipeline: Pipeline;
  /** Which web pages may call. */
  readonly cors: CorsOptions;
  /** Undefined where there is none. */
  readonly console?: Console | undefined;
}

/**
 * Entry point of every call, whatever its protocol: it passes the pipeline, and is then answered straight from its stream if it is the
 * plainest kind of gRPC, and by Connect's handlers otherwise. What a browser loads of the console takes the same way.
 */
export function createDispatch(options: DispatchOptions): (exchange: Exchange) => void {
  const { services, pipeline, memory, errors } = options;
  const methods = methodsByPath(services);
  const cors = createCors(options.cors);
  const answerDirectly = createDirectGrpc(options);
  const answerByConnect = createConnectCalls(options);

  return (exchange) => {
    const { method: httpMethod, headers, socket } = exchange;
    const [path = ""] = exchange.url.split("?", 1);
    const resource = options.console?.find(path);
    // The console is for its own page, and for no other.
    const corsHeaders = resource === undefined && !isSameOrigin(headers) ? cors.headersFor(headers.origin) : undefined;
    if (httpMethod === "OPTIONS" && corsHeaders !== undefined) {
      exchange.respond(204, { ...corsHeaders, ...cors.preflightHeaders });
      return;
    }
    // Case does not matter (RFC 9110, section 10.1.1), and there is no other expectation.
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
      exchange.respond(417, {});
      return;
    }
    const method = methods.get(path);
    const call = new Call({ path, httpMethod, method, headers, socket });
    call.isPublic = resource?.isPublic === true;
    exchange.onClose((isAnswered) => {
      if (!isAnswered && !call.ended) {
        call.leave(new ConnectError("the client has left", Code.Canceled));
      }
      call.end();
    });
    const entered = { call, exchange, corsHeaders };
    call.giveWay = (error) => {
      call.bodyRefusal ??= error;
      if (exchange.headersSent) {
        errors.reportProtocolError(call, error);
        exchange.abandon();
      } else {
        respondWithError(entered, errors.reportProtocolError(call, error));
      }
    };
    let phase: "entering" | "waiting" | "passed" = "entering";
    const countBody = () => method && countRequest(exchange.body, call, memory, () => phase === "waiting");
    pipeline(
      call,
      () => {
        if (call.bodyRefusal !== undefined) {
          // It has given way while it waited, and was told so.
          return;
        }
        const isCounted = phase === "waiting";
        phase = "passed";
        if (!isCounted) {
          countBody();
        }
        try {
          if (resource !== undefined) {
            resource.answer(exchange)?.catch((error: unknown) => refuse(entered, error));
          } else if (method === undefined) {
            refuseUnknown(entered);
          } else if (!answerDirectly(call, exchange)) {
            answer(entered);
          }
        } catch (error) {
          // Node throws what is written to a stream whose client has just left.
          refuse(entered, error);
        }
      },
      (error) => {
        phase = "passed";
        refuse(entered, error);
      },
    );
    if (phase === "entering") {
      phase = "waiting";
      countBody();
    }
  };

  function answer(entered: Entered): void {
    const { call, exchange } = entered;
    const opened = exchange.open();
    if (opened === undefined) {
      return;
    }
    const { request, response } = opened;
    for (const [name, value] of Object.entries(commonHeaders(entered))) {
      response.setHeader(name, value as string);
    }
    countResponse(response, call, memory);
    if (request.headers.expect !== undefined && !response.destroyed) {
      response.writeContinue();
    }
    answerByConnect(call, request, response);
  }

  /** Answers a call with an error of which nothing but the head was read. */
  function refuse(entered: Entered, error: unknown): void {
    const reported = errors.reportProtocolError(entered.call, error);
    entered.call.end();
    respondWithError(entered, reported);
  }
}

/** A call on its way, with what its response has in any case. */
interface Entered {
  readonly call: Call;
  readonly exchange: Exchange;
  readonly corsHeaders: OutgoingHttpHeaders | undefined;
}

/**
 * Nobody serves this path. A client of gRPC expects a status of its own for that, and so do the health checks of load balancers;
 * it has none of dynakv's details, since the path is none of dynakv's.
 */
function refuseUnknown(entered: Entered): void {
  const { call, exchange } = entered;
  const error = new ConnectError("unknown method", Code.Unimplemented);
  call.error = error;
  call.failure = error;
  call.end();
  if (call.protocol === "connect") {
    exchange.respond(404, commonHeaders(entered));
  } else {
    respondWithError(entered, error);
  }
}

function respondWithError(entered: Entered, error: ConnectError): void {
  const { call, exchange } = entered;
  const { status, body, ...head } = toWireError(call.form, call.headers["content-type"], error);
  exchange.respond(status, { ...commonHeaders(entered), ...headOf(head) }, body);
}

function commonHeaders({ call: { sentId }, corsHeaders }: Entered): OutgoingHttpHeaders {
  return { ...corsHeaders, ...(sentId !== undefined && { [requestIdHeader]: sentId }) };
}
