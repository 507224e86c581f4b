import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { CallErrors } from "./call-errors.js";
import { withCors } from "./cors.js";
import { createGrpcUnary } from "./grpc-unary/grpc-unary.js";
import { withJsonLines } from "./json-lines.js";
import type { PortOptions } from "./port.js";
import { type ConnectOptions, createConnectOptions, createRoutes, type ServedService } from "./routes.js";

export interface CallHandlerOptions extends ConnectOptions {
  readonly services: readonly ServedService[];
  readonly callErrors: CallErrors;
  /** The origins whose pages may call. */
  readonly corsOrigins: readonly string[];
}

/** All that stands between a port and the services, for every protocol. */
export function createCallHandlers(options: CallHandlerOptions): Pick<PortOptions, "handler" | "streamHandler"> {
  const { services, callErrors, corsOrigins } = options;
  const connect = { ...createConnectOptions(options), routes: createRoutes(services, callErrors) };
  return {
    handler: withCors(withJsonLines(connectNodeAdapter(connect), connect), { origins: corsOrigins }),
    streamHandler: createGrpcUnary(options),
  };
}
