import { cors as connectCors } from "@connectrpc/connect";
import type { RequestHandler } from "../listener/port.js";
import { consumedCapacityTrailers, returnConsumedCapacityHeader } from "../observability/consumed-capacity.js";
import { requestIdHeader } from "./call.js";

export interface CorsOptions {
  /** The origins whose pages may call, such as `https://app.example.com`; `*` for any. Loopback origins always may. */
  readonly origins: readonly string[];
}

const trailers = Object.values(consumedCapacityTrailers);
const exposedHeaders = [
  ...connectCors.exposedHeaders,
  requestIdHeader,
  ...trailers,
  // As Connect sends the trailers of unary calls.
  ...trailers.map((name) => `trailer-${name}`),
].join(", ");
const allowedHeaders = [
  ...connectCors.allowedHeaders,
  "Authorization",
  requestIdHeader,
  returnConsumedCapacityHeader,
  "traceparent",
  "tracestate",
].join(", ");

/**
 * Lets the scripts of web pages call. Only pages from this machine may, unless told otherwise: the service may be open to
 * whoever reaches it, and any page that a developer looks at can reach a port on the developer's machine.
 */
export function withCors(handler: RequestHandler, { origins }: CorsOptions): RequestHandler {
  return (request, response) => {
    const { origin } = request.headers;
    if (typeof origin !== "string" || !(isLoopback(origin) || origins.includes("*") || origins.includes(origin))) {
      handler(request, response);
      return;
    }
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("vary", "origin");
    response.setHeader("access-control-expose-headers", exposedHeaders);
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-methods", connectCors.allowedMethods.join(", "));
      response.setHeader("access-control-allow-headers", allowedHeaders);
      response.setHeader("access-control-max-age", "7200");
      response.writeHead(204);
      response.end();
      return;
    }
    handler(request, response);
  };
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}
