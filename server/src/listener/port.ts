import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type ConnectionAgeOptions, createConnectionAge } from "./connection-age.js";
import { type ConnectionLimitOptions, createConnectionLimits } from "./connection-limits.js";
import { detectProtocol } from "./detect-protocol.js";
import type { Exchange } from "./exchange.js";
import { createHttp1Connections, lastRequestMs } from "./http1-connections.js";
import { closeSession, createHttp2Connections } from "./http2-connections.js";
import type { TlsAcceptor } from "./tls.js";

export interface PortOptions {
  /**
   * Answers every request, of either protocol. Of one with `expect: 100-continue` it calls `writeContinue` when it wants the body:
   * the client waits for that.
   */
  onExchange: (exchange: Exchange) => void;
  /** The most calls that one HTTP/2 connection may have open: its SETTINGS_MAX_CONCURRENT_STREAMS. */
  maxStreams: number;
  /**
   * Longest time that a connection may take for its first bytes to show its protocol, and an HTTP/1 request for its head, in
   * milliseconds. The default is 10,000: ample for a slow network, and short enough that silent clients do not pile up.
   */
  headTimeoutMs?: number;
  /**
   * Longest time that an HTTP/1 connection may be idle, in milliseconds. The default is 65,000: longer than the 60 s for which common proxies
   * keep theirs, so that they close first.
   */
  keepAliveMs?: number;
  /** Connection aging. The default is none. */
  age?: ConnectionAgeOptions | undefined;
  /** Further limits. */
  limits?: ConnectionLimitOptions;
  /** Makes TLS of each connection. Without it, they are plain. */
  tls?: TlsAcceptor | undefined;
}

/** One TCP port that speaks HTTP/2 and HTTP/1.1: over TLS by agreement (ALPN), without it with prior knowledge of HTTP/2. */
export interface Port {
  /** Starts to accept connections. Port 0 picks a free one. Rejects if the address cannot be had. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /**
   * Stops to accept connections, tells the open ones that no more calls are taken, and waits for the running calls. What
   * is still open after `drainMs` is cut. Resolves when no connection is left, and never rejects. A second call can make
   * the time shorter: `close(0)` cuts at once.
   */
  close(drainMs: number): Promise<void>;
  /** Has the clients of all open connections make new ones, as they do when a server is about to stop. Running calls finish. */
  goAway(): void;
  /** Number of connections that are open. */
  readonly connections: number;
}

/** While closing, connections are accepted until none has arrived for this many milliseconds, within a bound. */
const turnMs = 5;
const maxTurns = 10;
/** How many connections the system keeps until they are accepted, unless it is told otherwise: the default of Node's `listen`. */
const backlog = 511;
/** Share of the time for draining that accepting may take: the calls that run, and those of the last to come, need the rest. */
const acceptShare = 1 / 2;

/** Creates a {@link Port}. It accepts nothing before `listen`. */
export function createPort(options: PortOptions): Port {
  const { onExchange, maxStreams, headTimeoutMs = 10_000, keepAliveMs = 65_000, tls } = options;
  const limits = createConnectionLimits({ ...options.limits, retire: closeSession });
  const ages = createConnectionAge(options.age);
  const http1 = createHttp1Connections({ onExchange, headTimeoutMs, keepAliveMs, limits, ages });
  const http2 = createHttp2Connections({ onExchange, maxStreams, limits, ages });
  const sockets = new Set<Socket>();
  /** Those of which it is not known yet what they speak. */
  const sniffing = new Set<Socket>();
  let accepted = 0;
  let closed: Promise<void> | undefined;
  let isCut = false;

  const server = createServer({
    // A client may close its half and still wait for the answer.
    allowHalfOpen: true,
    noDelay: true,
    // Finds the clients that have vanished without a word.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
  server.on("connection", (socket) => {
    if (!limits.admit(socket)) {
      socket.resetAndDestroy();
      return;
    }
    accepted++;
    if (isCut) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    sniffing.add(socket);
    // Connection errors surface in its calls; without a listener the event would crash the process.
    socket.on("error", ignore);
    socket.once("close", () => {
      sockets.delete(socket);
      sniffing.delete(socket);
    });
    const decide = (stream: Socket) =>
      detectProtocol(stream, headTimeoutMs, (protocol) => {
        sniffing.delete(socket);
        const isHttp1 = protocol === "http1" || (stream instanceof TLSSocket && stream.alpnProtocol !== "h2");
        (isHttp1 ? http1 : http2).add(stream);
      });
    if (tls === undefined) {
      decide(socket);
    } else {
      tls.accept(socket, decide);
    }
  });

  /**
   * Stops in the order in which no client loses a call. Those whom the system has accepted are taken first: they would be reset with the
   * listener, though they take themselves for connected. Then nobody comes any more, who would only come back here when told to go.
   * Then all are told, and served until they have gone.
   */
  async function drain(drainMs: number): Promise<void> {
    http1.announceEnd();
    await acceptRest(performance.now() + drainMs * acceptShare);
    const ended = new Promise((resolve) => server.close(resolve));
    http2.announceEnd();
    // A client of HTTP/1.1 may be sending its next request on a connection that looks idle here. What has come by then is read first.
    const timer = setTimeout(() => setImmediate(closeUnused), isCut ? 0 : Math.min(lastRequestMs, drainMs));
    await ended;
    clearTimeout(timer);
    // The server counts a connection as gone before the connection's own listeners have heard of it.
    await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    limits.stop();
    http2.stop();
    http1.stop();
  }

  /** Until none has come for a while. Where they come without a pause, all that the system can have kept were among the first. */
  async function acceptRest(until: number): Promise<void> {
    const enough = accepted + backlog;
    const isOver = () => isCut || accepted >= enough || performance.now() >= until;
    for (let turns = 0, before = -1; turns < maxTurns && before !== accepted && !isOver(); turns++) {
      before = accepted;
      await new Promise((resolve) => setTimeout(resolve, turnMs));
      await acceptQueued(isOver);
    }
  }

  /** Each turn of the event loop accepts one connection, and on a busy machine a timer may be due before there was any turn. */
  async function acceptQueued(isOver: () => boolean): Promise<void> {
    for (let before = -1; before !== accepted && !isOver(); ) {
      before = accepted;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  function closeUnused(): void {
    http1.close();
    for (const socket of sniffing) {
      socket.destroy();
    }
  }

  function cut(): void {
    isCut = true;
    http2.cut();
    for (const socket of sockets) {
      socket.destroy();
    }
  }

  return {
    async listen(host, port) {
      server.listen({ host, port });
      await once(server, "listening");
      // From now on it is a connection that could not be accepted. The next one may be.
      server.on("error", ignore);
      http1.start();
      limits.start();
      const address = server.address();
      if (address === null || typeof address === "string") {
        throw new Error(`listening on ${address} instead of a TCP port`);
      }
      return address;
    },
    close(drainMs) {
      closed ??= drain(drainMs);
      const timer = setTimeout(cut, drainMs);
      return closed.finally(() => clearTimeout(timer));
    },
    goAway() {
      http1.goAway();
      http2.close();
    },
    get connections() {
      return sockets.size;
    },
  };
}

function ignore(): void {}
