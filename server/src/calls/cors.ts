import type { OutgoingHttpHeaders } from "node:http";
import { cors as connectCors } from "@connectrpc/connect";
import type { Exchange } from "../listener/exchange.js";
import { consumedCapacityTrailers, requestIdHeader, returnConsumedCapacityHeader } from "./header-names.js";

/**
 * Lets the scripts of web pages call. Only pages from this machine may, unless told otherwise: the service may be open to
 * whoever reaches it, and any page that a developer looks at can reach a port on the developer's machine.
 */
export interface Cors {
  /** The headers that every response to this exchange has; none when its page, if there is one, may not read it. */
  headersFor(exchange: Exchange): OutgoingHttpHeaders | undefined;
  /** What a browser's question before the call is answered with; undefined for what is none, or comes from a page that may not call. */
  preflightHeaders(exchange: Exchange): OutgoingHttpHeaders | undefined;
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

/** @param origins the origins whose pages may call, such as `https://app.example.com`; `*` for any. Loopback origins always may. */
export function createCors(origins: readonly string[]): Cors {
  const isAllowed = (origin: string) => isLoopback(origin) || origins.includes("*") || origins.includes(origin);

  function headersFor({ headers: { origin } }: Exchange): OutgoingHttpHeaders | undefined {
    return typeof origin === "string" && isAllowed(origin)
      ? {
          "access-control-allow-origin": origin,
          vary: "origin",
          "access-control-expose-headers": exposedHeaders,
        }
      : undefined;
  }

  return {
    headersFor,
    preflightHeaders(exchange) {
      const headers = exchange.method === "OPTIONS" ? headersFor(exchange) : undefined;
      return (
        headers && {
          ...headers,
          "access-control-allow-methods": connectCors.allowedMethods.join(", "),
          "access-control-allow-headers": allowedHeaders,
          "access-control-max-age": "7200",
        }
      );
    },
  };
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}
