import type { OutgoingHttpHeaders } from "node:http";
import { cors as connectCors } from "@connectrpc/connect";
import { consumedCapacityTrailers, requestIdHeader, returnConsumedCapacityHeader } from "./header-names.js";

export interface CorsOptions {
  /**
   * The origins whose pages may call, such as `https://app.example.com`, or `https://*.example.com` for all below it; `*` for any.
   * Loopback origins always may.
   */
  readonly origins: readonly string[];
  /** Request headers that pages may send beside those of the protocols and dynakv's own. */
  readonly headers?: readonly string[];
  /** Whether pages may send cookies and client certificates along. Default: false. */
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
  /** What a browser is told beside those when it asks, before a call, what it may send. */
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

export function createCors({ origins, headers = [], allowsCredentials = false, onRefused }: CorsOptions): Cors {
  const exact = new Set(origins);
  const patterns = origins.filter((origin) => origin !== "*" && origin.includes("*")).map(toPattern);

  function isAllowed(origin: string): boolean {
    return (
      isLoopback(origin) || exact.has("*") || exact.has(origin) || patterns.some((pattern) => pattern.test(origin))
    );
  }

  return {
    headersFor(origin) {
      if (origin === undefined) {
        return undefined;
      }
      if (!isAllowed(origin)) {
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

/** `https://*.example.com`: the star stands for one label or more. */
function toPattern(origin: string): RegExp {
  const [before = "", after = ""] = origin.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${before}[a-z0-9-]+(\\.[a-z0-9-]+)*${after}$`);
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}
