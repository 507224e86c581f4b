import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { headersKind } from "./inputs/headers.js";
import { http1Kind } from "./inputs/http1.js";
import { noiseKind } from "./inputs/noise.js";
import { openEndsKind } from "./inputs/open-ends.js";
import { urlsKind } from "./inputs/urls.js";
import type { InputKind } from "./kind.js";
import { inputKinds } from "./kinds.js";

/** A port that hostile input is sent to, in one way. */
export interface Target {
  readonly name: string;
  /** What it is sent. */
  readonly kinds: readonly InputKind[];
  /** How much of all input it gets, beside the others. */
  readonly share: number;
  /** Begins a new connection. */
  connect(): Socket;
}

/** What a client needs for TLS; without a certificate it is nobody. */
export interface ClientTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The port that calls come to, in plain text. */
export function plainTarget(url: string): Target {
  return { name: "calls", kinds: inputKinds, share: 6, connect: connectTo(url) };
}

/** The port that metrics are on, which is HTTP/1 alone, and tells what it does not understand so. */
export function adminTarget(url: string): Target {
  return {
    name: "admin",
    kinds: [http1Kind, headersKind, openEndsKind, noiseKind, urlsKind],
    share: 1,
    connect: connectTo(url),
  };
}

/** All that a port with TLS can be sent: calls of somebody who is known, calls of nobody, and what is no TLS. */
export function tlsTargets(url: string, known: Required<ClientTls>): readonly Target[] {
  const { ca } = known;
  return [
    { name: "calls over TLS", kinds: inputKinds, share: 3, connect: connectTo(url, known) },
    // Most of them wait, as all who cannot say who they are.
    { name: "strangers over TLS", kinds: inputKinds, share: 0.3, connect: connectTo(url, { ca }) },
    { name: "TLS itself", kinds: [noiseKind], share: 0.5, connect: connectTo(url) },
  ];
}

function connectTo(url: string, tls?: ClientTls): () => Socket {
  const { hostname: host, port } = new URL(url);
  const address = { host, port: Number(port), noDelay: true };
  // Which version of HTTP is spoken depends on the input, and the server looks at its first bytes.
  return () => (tls === undefined ? connect(address) : connectTls({ ...address, ...tls, ALPNProtocols: ["h2"] }));
}
