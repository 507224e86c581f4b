import { type ClientRequestArgs, Agent as HttpAgent, type AgentOptions as HttpAgentOptions } from "node:http";
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions, type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Network } from "./network.js";
import { openTunnel } from "./tunnel.js";

export interface AgentOptions {
  readonly network: Network;
  /** Longest time that a connection may take to be made, its TLS handshake included. */
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
}

const failedConnecting = new WeakSet<object>();

/** Returns true if an error has ended a connection of these agents before it could carry a request. */
export function hasFailedConnecting(error: unknown): boolean {
  return typeof error === "object" && error !== null && failedConnecting.has(error);
}

/** Agents for the SDK's requests, which go through the proxy, and trust the authorities, that the network has. */
export function createAgents(options: AgentOptions) {
  const { network, maxConnections: maxSockets } = options;
  const { pem: ca } = network.authorities;
  return {
    httpAgent: new PlainAgent({ keepAlive: true, maxSockets }, options),
    httpsAgent: new SecureAgent({ keepAlive: true, maxSockets, ...(ca === undefined ? {} : { ca }) }, options),
  };
}

class PlainAgent extends HttpAgent {
  readonly #own: AgentOptions;
  constructor(options: HttpAgentOptions, own: AgentOptions) {
    super(options);
    this.#own = own;
  }

  override createConnection(options: ClientRequestArgs): Made {
    return watch(super.createConnection(options), "connect", this.#own);
  }
}

class SecureAgent extends HttpsAgent {
  readonly #own: AgentOptions;
  constructor(options: HttpsAgentOptions, own: AgentOptions) {
    super(options);
    this.#own = own;
  }

  override createConnection(options: RequestOptions, callback?: (error: Error | null, made: Duplex) => void): Made {
    const { network, connectTimeoutMs } = this.#own;
    const host = options.host ?? "localhost";
    const port = Number(options.port ?? 443);
    const proxy = network.proxies.find(host, port);
    if (proxy === undefined) {
      return watch(super.createConnection(options), "secureConnect", this.#own);
    }
    openTunnel({ proxy, host, port, network, timeoutMs: connectTimeoutMs }).then(
      (socket) => {
        const secured = { ...options, socket } as RequestOptions;
        callback?.(null, watch(super.createConnection(secured), "secureConnect", this.#own) as Duplex);
      },
      (error: Error) => {
        failedConnecting.add(error);
        callback?.(error, undefined as unknown as Duplex);
      },
    );
    return undefined;
  }
}

type Made = Duplex | null | undefined;

/** Notes the error of a connection that is not made. Whatever comes later may come after a request was written. */
function watch(made: Made, connected: "connect" | "secureConnect", { connectTimeoutMs }: AgentOptions): Made {
  const socket = made as Socket;
  const fail = (error: Error) => failedConnecting.add(error);
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error("the connection took too long to be made"), { code: "ETIMEDOUT" }));
  }, connectTimeoutMs);
  socket.on("error", fail);
  socket.once("close", () => clearTimeout(timer));
  socket.once(connected, () => {
    clearTimeout(timer);
    socket.off("error", fail);
  });
  return made;
}
