import type { Call } from "../calls/call.js";
import type { Clock } from "../store/layout/entry.js";
import type { Certificates } from "./certificates.js";
import type { Identity } from "./identity.js";
import type { Jwts } from "./jwts.js";
import { hashToken, type Tokens } from "./tokens.js";

export interface IdentifyOptions {
  /** Those of now: the file may be loaded anew. */
  readonly tokens: (() => Tokens) | undefined;
  readonly jwts: Jwts | undefined;
  readonly certificates: Certificates | undefined;
  readonly clock: Clock;
}

/** Finds out who makes a call; undefined when that cannot be known. A promise only where something has to be waited for. */
export type Identify = (call: Call) => Identity | undefined | Promise<Identity | undefined>;

/**
 * Tells callers by what the head of a call brings: the `authorization` header and nothing else, since URLs stand in logs and
 * histories. A call with that header is judged by it alone: a wrong token is not made up for by a certificate.
 */
export function createIdentify({ tokens, jwts, certificates, clock }: IdentifyOptions): Identify {
  return ({ headers: { authorization }, socket }) => {
    if (authorization === undefined || (tokens === undefined && jwts === undefined)) {
      return certificates?.find(socket, clock());
    }
    // As RFC 6750 has it, and not longer than any token is.
    const token = /^Bearer +([\w.~+/-]{1,8192}=*)$/i.exec(authorization)?.[1];
    if (token === undefined) {
      return undefined;
    }
    const digest = hashToken(token);
    return tokens?.().find(digest, clock()) ?? jwts?.find(token, digest, clock());
  };
}
