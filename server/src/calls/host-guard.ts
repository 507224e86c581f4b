import type { IncomingHttpHeaders } from "node:http";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { Call } from "./call.js";
import type { Interceptor } from "./pipeline.js";

export interface HostGuardOptions {
  /** Names beside those of loopback under which the server may be called, without a port, in lower case. */
  readonly allowedHosts: readonly string[];
  readonly isAllowedOrigin: (origin: string) => boolean;
}

/**
 * The interceptor that keeps web pages from a server which listens on loopback and does not authenticate callers. A page of any site can reach it
 * from the browser of whoever runs it; and one that has its own name point to 127.0.0.1 after it was loaded (DNS rebinding) is of
 * the same origin for the browser, which then lets it read the answers, too. What it cannot change is the name that it calls.
 */
export function createHostGuard({ allowedHosts, isAllowedOrigin }: HostGuardOptions): Interceptor {
  const allowed = new Set(allowedHosts);
  return (call) => {
    const host = hostOf(call);
    if (host !== undefined && !isLoopbackName(host) && !allowed.has(host)) {
      throw refuse("host not allowed: the server accepts loopback names only; add others to its setting allowedHosts");
    }
    const { origin } = call.headers;
    if (origin !== undefined && !isAllowedOrigin(origin) && !isSameOrigin(call.headers)) {
      throw refuse("origin not allowed; add it to the server's setting corsOrigins");
    }
  };
}

/** The log tells how many there were: anybody's page may try. */
function refuse(message: string): DynakvError {
  return new DynakvError(ErrorReason.PERMISSION_DENIED, message, { counted: true });
}

/**
 * Returns true for a request of a page that comes from this server itself, under the name that it is called by. The scheme may differ: a
 * proxy in front of it may have terminated TLS. That name is what a rebound page cannot choose, and is checked before.
 */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin } = headers;
  const host = headers[":authority"] ?? headers.host;
  return (
    origin !== undefined &&
    typeof host === "string" &&
    /^https?:\/\/(.+)$/.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase()
  );
}

/** Without its port. Undefined for a request that names none, which no browser sends. */
function hostOf({ headers }: Call): string | undefined {
  const given = headers[":authority"] ?? headers.host;
  if (typeof given !== "string" || given === "") {
    return undefined;
  }
  return given.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
}

/** A name that means this machine for every resolver: RFC 6761, section 6.3. */
function isLoopbackName(host: string): boolean {
  return /^(?:[a-z0-9-]+\.)*localhost$/.test(host) || /^127(?:\.\d{1,3}){3}$/.test(host) || host === "[::1]";
}
