import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { BodyBudget } from "../admission/body-budget.js";
import type { PortOptions } from "../listener/port.js";
import type { Call } from "./call.js";
import { withCors } from "./cors.js";
import { createGrpcUnary } from "./direct-grpc/direct-grpc.js";
import { type CallRequestHandler, withGate } from "./dispatch.js";
import type { CallErrors } from "./errors/report-error.js";
import { withJsonLines } from "./json-stream.js";
import type { CallGate } from "./pipeline.js";
import {
  type ConnectOptions,
  createConnectOptions,
  createRoutes,
  methodsByPath,
  type ServedService,
} from "./routes.js";

export interface CallHandlerOptions extends ConnectOptions {
  readonly services: readonly ServedService[];
  readonly callErrors: CallErrors;
  /** What each call passes before its body is read. */
  readonly gate: CallGate;
  /** What the bodies of all calls may hold together. */
  readonly bodies: BodyBudget;
  /** The origins whose pages may call. */
  readonly corsOrigins: readonly string[];
}

/** All that stands between a port and the services, for every protocol. */
export function createCallHandlers(options: CallHandlerOptions): Pick<PortOptions, "handler" | "streamHandler"> {
  const { services, corsOrigins } = options;
  const connect = { ...createConnectOptions(options), routes: createRoutes(services, options) };
  const gated = withGate(withJsonLines(createConnectHandler(connect), connect), {
    ...options,
    methods: methodsByPath(services),
  });
  return {
    handler: withCors(gated, { origins: corsOrigins }),
    streamHandler: createGrpcUnary(options),
  };
}

function createConnectHandler(options: Parameters<typeof connectNodeAdapter>[0]): CallRequestHandler {
  const calls = new WeakMap<object, Call>();
  const adapter = connectNodeAdapter({
    ...options,
    // Connect makes them from nothing but the request.
    contextValues: (request) => (calls.get(request) as Call).contextValues(),
  });
  return (request, response, call) => {
    calls.set(request, call);
    adapter(request, response);
  };
}
