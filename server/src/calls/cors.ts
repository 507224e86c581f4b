import type { OutgoingHttpHeaders } from "node:http";
import { cors as connectCors } from "@connectrpc/connect";
import { consumedCapacityTrailers, requestIdHeader, returnConsumedCapacityHeader } from "./header-names.js";

export interface CorsOptions {
  readonly isAllowedOrigin: (origin: string) => boolean;
  /** Request headers that pages may send beside those of the protocols and dynakv's own. */
  readonly headers?: readonly string[];
  /** True if pages may send cookies and client certificates along. Default: false. */
  readonly allowsCredentials?: boolean;
  /** Is told of an origin whose page has tried to call and may not. */
  readonly onRefused?: (origin: string) => void;
}

/**
 * Lets the scripts of web pages call. Only pages from this machine may, unless told otherwise: the service may be open to
 * whoever reaches it, and any page that a developer looks at can reach a port on the developer's machine.
 */
export interface Cors {
  /** The headers of every response to a page of this origin; undefined when there is no page, or one that may not call. */
  headersFor(origin: string | undefined): OutgoingHttpHeaders | undefined;
  /** Headers of a preflight response beside those. */
  readonly preflightHeaders: OutgoingHttpHeaders;
}

const trailers = Object.values(consumedCapacityTrailers);
const exposedHeaders = [
  ...connectCors.exposedHeaders,
  requestIdHeader,
  ...trailers,
  // As Connect sends the trailers of unary calls.
  ...trailers.map((name) => `trailer-${name}`),
].join(", ");
const knownHeaders = [
  ...connectCors.allowedHeaders,
  "Authorization",
  requestIdHeader,
  returnConsumedCapacityHeader,
  "traceparent",
  "tracestate",
];

export function createCors({ isAllowedOrigin, headers = [], allowsCredentials = false, onRefused }: CorsOptions): Cors {
  return {
    headersFor(origin) {
      if (origin === undefined) {
        return undefined;
      }
      if (!isAllowedOrigin(origin)) {
        onRefused?.(origin);
        return undefined;
      }
      return {
        "access-control-allow-origin": origin,
        vary: "origin",
        "access-control-expose-headers": exposedHeaders,
        ...(allowsCredentials && { "access-control-allow-credentials": "true" }),
      };
    },
    preflightHeaders: {
      "access-control-allow-methods": connectCors.allowedMethods.join(", "),
      "access-control-allow-headers": [...knownHeaders, ...headers].join(", "),
      "access-control-max-age": "7200",
    },
  };
}
