import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Identity } from "./identity.js";

interface KnownCertificate {
  readonly identity: Identity;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** Tells callers by the certificates of their connections. */
export interface Certificates {
  /**
   * Undefined for a connection without a certificate that the authorities vouch for, with one that has expired since, or with one that
   * was judged by authorities that are not those of now.
   */
  find(socket: Socket, nowMs: number): Identity | undefined;
}

/**
 * Looks at each connection once: its certificate stays the same for all of its calls.
 *
 * @param isJudged whether the authorities of now have judged the certificate of a connection
 */
export function createCertificates(isJudged: (socket: Socket) => boolean): Certificates {
  const known = new WeakMap<Socket, KnownCertificate | "none">();
  return {
    find(socket, nowMs) {
      if (!isJudged(socket)) {
        return undefined;
      }
      let found = known.get(socket);
      if (found === undefined) {
        found = readCertificate(socket as TLSSocket) ?? "none";
        known.set(socket, found);
      }
      return found !== "none" && found.validFromMs <= nowMs && nowMs <= found.validToMs ? found.identity : undefined;
    },
  };
}

function readCertificate(socket: TLSSocket): KnownCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const [first, ...others] = certificate === undefined ? [] : namesOf(certificate);
  if (certificate === undefined || first === undefined) {
    return undefined;
  }
  return {
    identity: { names: [first, ...others] },
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
  };
}

/**
 * The names of a certificate for policies: its URIs (SPIFFE's ids are such), DNS names and mail addresses; only without
 * any, the common name of its subject.
 */
export function namesOf(certificate: X509Certificate): string[] {
  const { subjectAltName = "" } = certificate;
  if (/\b(URI|DNS|email):/.test(subjectAltName)) {
    return parseAlternatives(subjectAltName).map((name) => `certificate:${name}`);
  }
  // Text if there is one, and a list if there are several, of which none is more right than the others.
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  return typeof name === "string" && name !== "" ? [`certificate:${name}`] : [];
}

/**
 * Node writes names as `DNS:a.example, URI:spiffe://b`. One that holds what could be taken for more names comes in quotes
 * (https://nodejs.org/api/crypto.html#x509subjectaltname), and is nobody's.
 */
function parseAlternatives(text: string): string[] {
  const parts = text.match(/[^,"]*("(\\.|[^"\\])*")?[^,"]*/g) ?? [];
  return parts.flatMap((part) => /^\s*(?:URI|DNS|email):([^\s"]+)$/.exec(part)?.[1] ?? []);
}
