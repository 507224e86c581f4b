import { once } from "node:events";
import {
  createServer as createHttp1Server,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import {
  constants,
  createServer as createHttp2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type ConnectionAgeOptions, createConnectionAge } from "./connection-age.js";
import { type ConnectionLimitOptions, createConnectionLimits } from "./connection-limits.js";
import { createDeadSessions } from "./dead-sessions.js";
import { detectProtocol } from "./detect-protocol.js";
import { type Exchange, type NodeRequest, type NodeResponse, RequestExchange, StreamExchange } from "./exchange.js";
import { createIdleSessions } from "./idle-sessions.js";
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
   * How long a connection may take for its first bytes to show its protocol, and an HTTP/1 request for its head, in
   * milliseconds. The default is 10,000: ample for a slow network, and short enough that silent clients do not pile up.
   */
  headTimeoutMs?: number;
  /**
   * How long an HTTP/1 connection may be idle, in milliseconds. The default is 65,000: longer than the 60 s for which common proxies
   * keep theirs, so that they close first.
   */
  keepAliveMs?: number;
  /** When connections are replaced. The default is never. */
  age?: ConnectionAgeOptions | undefined;
  /** What else is taken of clients. */
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
  renew(): void;
  /** How many connections are open. */
  readonly connections: number;
}

/**
 * How many requests a client may send over HTTP/1 without waiting for answers: more than any does. They are answered in turn, and each is
 * held until then.
 */
const maxPipelined = 32;

/** The most bytes of a request's head: ample for tokens and traces, and what Node takes over HTTP/1 by default. */
const maxHeadBytes = 16_384;
/** The most fields of a request's head. */
const maxHeadFields = 128;

/**
 * How much one HTTP/2 connection may have on its way, for each call that it may have open, in megabytes. Past it, Node
 * refuses the connection's new calls, and soon ends all of them. Its default of 10 in all is 25 of the largest values. The
 * memory is bounded all the same: a stream is asked for more only when its client has read.
 */
const streamMegabytes = 4;
const minSessionMegabytes = 256;

/**
 * How long to wait, when closing, until a client has confirmed that it knows: a round trip across a continent. Clients on
 * Node close without confirming.
 */
const goawayTimeoutMs = 250;

/** How long a connection of HTTP/1.1 that looks idle stays open when closing, for the request that may be on its way. */
const lastRequestMs = 500;

/** When closing, connections are accepted until none has come for so many milliseconds, but not for more than so many times that. */
const turnMs = 5;
const maxTurns = 10;

/** How often HTTP/2 sessions are looked at that may have ended without a word: each is found within a few looks. */
const deadSessionsEveryMs = 500;

/** How long a client may go on sending a request that has been answered. */
const discardTimeoutMs = 1000;

/** The highest stream id that there is. A GOAWAY with it refuses no call: RFC 9113, section 6.8. */
const maxStreamId = 2 ** 31 - 1;

/** Creates a {@link Port}. It accepts nothing before `listen`. */
export function createPort(options: PortOptions): Port {
  const { onExchange, maxStreams, headTimeoutMs = 10_000, keepAliveMs = 65_000, tls } = options;
  const limits = createConnectionLimits({ ...options.limits, retire: closeSession });
  const ages = createConnectionAge(options.age);
  const undecided = new Set<Socket>();
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  /** The HTTP/1 connections, each with its unfinished responses in the order of their requests. */
  const http1Sockets = new Map<Socket, Set<ServerResponse>>();
  /** The HTTP/1 connections that end with their last response. */
  const retired = new WeakSet<Socket>();
  let closed: Promise<void> | undefined;
  let isLeaving = false;
  let isCut = false;
  let acceptedConnections = 0;

  // These three never listen: the sockets are handed to the first two, and streams to the third.
  const http1 = createHttp1Server(
    {
      headersTimeout: headTimeoutMs,
      // It says nothing about the response, which may stream for hours.
      requestTimeout: Math.max(limits.wholeRequestMs, headTimeoutMs),
      maxHeaderSize: maxHeadBytes,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(headTimeoutMs, 1000),
    },
    serveHttp1,
  );
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeadBytes },
    maxHeaderListPairs: maxHeadFields,
    maxSessionMemory: Math.max(minSessionMegabytes, maxStreams * streamMegabytes),
  });
  // Makes requests and responses of streams, which a server does of all that it gets, or of none.
  const http2Requests = createHttp2Server(takeOpened);
  // Without these listeners Node answers an `expect` by itself, before anything is known of the call.
  for (const event of ["checkContinue", "checkExpectation"]) {
    http1.on(event, serveHttp1);
    http2Requests.on(event, takeOpened);
  }
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
    // What went wrong with it shows in its call; without a listener it would end the process.
    stream.on("error", ignore);
    discardRest(stream);
    limits.watchStream(stream);
    idleSessions.noteCall(stream.session as ServerHttp2Session | undefined);
    const socket = stream.session?.socket;
    if (socket === undefined) {
      // The connection is gone already.
      return;
    }
    const endsWithHead = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    onExchange(
      new StreamExchange(stream, headers, socket as Socket, endsWithHead, () => {
        opened = undefined;
        http2Requests.emit("stream", stream, headers, flags, rawHeaders);
        return opened;
      }),
    );
  });
  /** What Node has just made of a stream: it hands it to a listener, at once. */
  let opened: ReturnType<Exchange["open"]>;
  function takeOpened(request: NodeRequest, response: NodeResponse): void {
    prepareResponse(response);
    opened = { request, response };
  }
  const deadSessions = createDeadSessions(deadSessionsEveryMs);
  const idleSessions = createIdleSessions(limits.idleMs, closeSession);
  /** The connection of the session that is being made. */
  let sessionSocket: Socket;
  http2.on("session", (session) => {
    sessions.add(session);
    deadSessions.watch(session, sessionSocket);
    session.once("close", () => sessions.delete(session));
    limits.watchSession(session);
    idleSessions.watch(session);
    if (isLeaving) {
      closeSession(session);
    }
    ages.watch({
      retire: () => closeSession(session),
      cut: () => session.destroy(),
      once: (event, listener) => session.once(event, listener),
    });
  });

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
    acceptedConnections++;
    if (isCut) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    undecided.add(socket);
    // What went wrong with a connection shows in its calls; without a listener it would end the process.
    socket.on("error", ignore);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    const decide = (stream: Socket) =>
      detectProtocol(stream, headTimeoutMs, (protocol) => {
        undecided.delete(socket);
        if (protocol === "http1" || (stream instanceof TLSSocket && stream.alpnProtocol !== "h2")) {
          const responses = new Set<ServerResponse>();
          http1Sockets.set(stream, responses);
          http1.emit("connection", stream);
          ages.watch({
            retire() {
              retired.add(stream);
              closeHttp1Socket(stream, responses);
            },
            cut: () => stream.destroy(),
            once: (event, listener) => stream.once(event, listener),
          });
          stream.once("close", () => {
            http1Sockets.delete(stream);
            // Node tells the response that is being sent alone; those in the pipeline behind it would not hear of it.
            for (const response of responses) {
              response.destroyed = true;
              response.emit("close");
            }
          });
        } else {
          // HTTP/2 has no half-closed connections: one that its client has ended would stay forever.
          stream.allowHalfOpen = false;
          sessionSocket = stream;
          http2.emit("connection", stream);
        }
      });
    if (tls === undefined) {
      decide(socket);
    } else {
      tls.accept(socket, decide);
    }
  });

  function serveHttp1(request: IncomingMessage, response: ServerResponse): void {
    const responses = http1Sockets.get(request.socket);
    if (responses === undefined) {
      // Node reads on in what a connection has left behind that is closed: nobody would hear the answer, nor of its end.
      return;
    }
    trackResponse(request.socket, responses, response);
    closeAfterUnread(request, response);
    limits.watchRequest(request, response);
    prepareResponse(response);
    onExchange(new RequestExchange(request, response));
  }

  function trackResponse(socket: Socket, responses: Set<ServerResponse>, response: ServerResponse): void {
    responses.add(response);
    if (responses.size > maxPipelined) {
      socket.destroy();
    }
    const isLast = () => closed !== undefined || retired.has(socket);
    if (isLast()) {
      response.setHeader("connection", "close");
    }
    response.once("close", () => {
      responses.delete(response);
      if (isLast()) {
        closeHttp1Socket(socket, responses);
      }
    });
  }

  function replaceAll(): void {
    for (const [socket, responses] of http1Sockets) {
      retired.add(socket);
      closeHttp1Socket(socket, responses);
    }
    for (const session of sessions) {
      closeSession(session);
    }
  }

  /**
   * Stops in the order in which no client loses a call. Those whom the system has accepted are taken first: they would be reset with the
   * listener, though they take themselves for connected. Then nobody comes any more, who would only come back here when told to go.
   * Then all are told, and served until they have gone.
   */
  async function drain(drainMs: number): Promise<void> {
    for (const [socket, responses] of http1Sockets) {
      if (responses.size > 0) {
        closeHttp1Socket(socket, responses);
      }
    }
    await acceptRest();
    const ended = new Promise((resolve) => server.close(resolve));
    isLeaving = true;
    for (const session of sessions) {
      closeSession(session);
    }
    // A client of HTTP/1.1 may be sending its next request on a connection that looks idle here.
    const timer = setTimeout(closeUnused, isCut ? 0 : Math.min(lastRequestMs, drainMs));
    await ended;
    clearTimeout(timer);
    // The server counts a connection as gone before the connection's own listeners have heard of it.
    await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    limits.stop();
    deadSessions.stop();
    idleSessions.stop();
    http1.close();
  }

  /** Each turn of the event loop accepts what has come since the last. */
  async function acceptRest(): Promise<void> {
    for (let turns = 0, accepted = -1; turns < maxTurns && accepted !== acceptedConnections && !isCut; turns++) {
      accepted = acceptedConnections;
      await new Promise((resolve) => setTimeout(resolve, turnMs));
    }
  }

  function closeUnused(): void {
    for (const [socket, responses] of http1Sockets) {
      closeHttp1Socket(socket, responses);
    }
    for (const socket of undecided) {
      socket.destroy();
    }
  }

  function cut(): void {
    isCut = true;
    for (const session of sessions) {
      session.destroy();
    }
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
      // An HTTP/1 server enforces its timeouts from this event on only.
      http1.emit("listening");
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
    renew: replaceAll,
    get connections() {
      return sockets.size;
    },
  };
}

/**
 * Reads on, into nothing, when a call is answered before its request was read whole, such as one that is too large: the
 * rest would keep the stream open. A client takes a reset for a failure, also one without an error, and so it comes only
 * when the client does not end by itself.
 */
function discardRest(stream: ServerHttp2Stream): void {
  stream.once("finish", () => {
    if (!stream.readableEnded) {
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), discardTimeoutMs);
      stream.once("close", () => clearTimeout(timer));
      // The request object that is abandoned by now would pause the stream again with each chunk.
      stream.removeAllListeners("data");
      stream.resume();
    }
  });
}

/**
 * Over HTTP/1 such a connection ends with the answer: what comes next in it is the rest of the old request. The client is told so
 * in the head.
 */
function closeAfterUnread(request: IncomingMessage, response: ServerResponse): void {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (length === undefined && encoding === undefined) {
    // Complete as soon as its head is, though Node does not say so yet.
    return;
  }
  const { writeHead } = response;
  response.writeHead = (...given: unknown[]) => {
    if (!request.complete) {
      response.setHeader("connection", "close");
    }
    return writeHead.apply(response, given as Parameters<typeof writeHead>);
  };
}

/**
 * Closes an HTTP/1 connection if it has nothing left to answer, and else tells its client that there will be no more.
 * `http.Server.closeIdleConnections` is no help: it cuts off responses that are complete, but not sent yet.
 */
function closeHttp1Socket(socket: Socket, responses: ReadonlySet<ServerResponse>): void {
  const last = [...responses].at(-1);
  if (last === undefined) {
    socket.destroySoon();
  } else if (!last.headersSent) {
    last.setHeader("connection", "close");
  }
}

/**
 * Closes a session in two steps, as gRPC servers do. The first GOAWAY asks the client for no more calls; those that were
 * on their way are served. Only the second, when the client has confirmed the first, refuses calls.
 */
function closeSession(session: ServerHttp2Session): void {
  if (session.destroyed) {
    return;
  }
  const timer = setTimeout(finish, goawayTimeoutMs);
  session.once("close", finish);
  session.goaway(constants.NGHTTP2_NO_ERROR, maxStreamId);
  session.ping(finish);

  function finish(): void {
    clearTimeout(timer);
    session.close();
  }
}

function prepareResponse(response: NodeResponse): void {
  response.on("error", ignore);
  // A write that waits for "drain" waits forever once the client has left, and the generator behind it is never
  // resumed. Woken by this, connect-node writes once more, fails, and ends the generator.
  response.once("close", () => response.emit("drain"));
}

function ignore(): void {}
