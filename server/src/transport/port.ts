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
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { detectProtocol } from "./detect-protocol.js";

/** A listener for requests of both protocols, such as the one that connectNodeAdapter returns. */
export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** Answers a call on its HTTP/2 stream, or leaves the stream untouched and returns false. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => boolean;

export interface PortOptions {
  /** Answers every request, of either protocol. */
  handler: RequestHandler;
  /** Is asked first about those that come over HTTP/2. */
  streamHandler?: StreamHandler;
  /** The most calls that one HTTP/2 connection may have open: its SETTINGS_MAX_CONCURRENT_STREAMS. */
  maxStreams: number;
  /**
   * How long a connection may take for its first bytes to show its protocol, and an HTTP/1 request for its head, in
   * milliseconds. The default is 10,000: ample for a slow network, and short enough that silent clients do not pile up.
   */
  headTimeoutMs?: number;
}

/** One plain TCP port that speaks HTTP/2 with prior knowledge and HTTP/1.1. */
export interface Port {
  /** Starts to accept connections. Port 0 picks a free one. Rejects if the address cannot be had. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /**
   * Stops to accept connections, tells the open ones that no more calls are taken, and waits for the running calls. What
   * is still open after `drainMs` is cut. Resolves when no connection is left, and never rejects. A second call can make
   * the time shorter: `close(0)` cuts at once.
   */
  close(drainMs: number): Promise<void>;
  /** How many connections are open. */
  readonly connections: number;
}

/** How long an HTTP/1 connection may be idle: longer than the 60 s for which common proxies keep theirs, so that they close first. */
const keepAliveTimeoutMs = 65_000;

/** How long the body of an HTTP/1 request may take. It says nothing about the response, which may stream for hours. */
const requestTimeoutMs = 300_000;

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

/** How long a client may go on sending a request that has been answered. */
const discardTimeoutMs = 1000;

/** The highest stream id that there is. A GOAWAY with it refuses no call: RFC 9113, section 6.8. */
const maxStreamId = 2 ** 31 - 1;

/** Creates a {@link Port}. It accepts nothing before `listen`. */
export function createPort(options: PortOptions): Port {
  const { handler, streamHandler, maxStreams, headTimeoutMs = 10_000 } = options;
  const undecided = new Set<Socket>();
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  /** The HTTP/1 connections, each with its unfinished responses in the order of their requests. */
  const http1Sockets = new Map<Socket, Set<ServerResponse>>();
  let closed: Promise<void> | undefined;

  // These three never listen: the sockets are handed to the first two, and streams to the third.
  const http1 = createHttp1Server(
    {
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(headTimeoutMs, 1000),
    },
    (request, response) => {
      trackResponse(request.socket, response);
      closeAfterUnread(request, response);
      serve(request, response);
    },
  );
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: maxStreams },
    maxSessionMemory: Math.max(minSessionMegabytes, maxStreams * streamMegabytes),
  });
  // Makes requests and responses of streams, which a server does of all that it gets, or of none.
  const http2Requests = createHttp2Server(serve);
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
    discardRest(stream);
    if (streamHandler?.(stream, headers, flags) !== true) {
      http2Requests.emit("stream", stream, headers, flags, rawHeaders);
    }
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });

  const server = createServer({
    // A client may close its half and still wait for the answer.
    allowHalfOpen: true,
    noDelay: true,
    // Finds the clients that have vanished without a word. HTTP/2 connections have no idle timeout, as with gRPC.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    undecided.add(socket);
    // What went wrong with a connection shows in its calls; without a listener it would end the process.
    socket.on("error", ignore);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
      http1Sockets.delete(socket);
    });
    detectProtocol(socket, headTimeoutMs, (protocol) => {
      undecided.delete(socket);
      if (protocol === "http1") {
        http1Sockets.set(socket, new Set());
        http1.emit("connection", socket);
      } else {
        // HTTP/2 has no half-closed connections: one that its client has ended would stay forever.
        socket.allowHalfOpen = false;
        http2.emit("connection", socket);
      }
    });
  });

  function serve(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void {
    response.on("error", ignore);
    // A write that waits for "drain" waits forever once the client has left, and the generator behind it is never
    // resumed. Woken by this, connect-node writes once more, fails, and ends the generator.
    response.once("close", () => response.emit("drain"));
    try {
      handler(request, response);
    } catch {
      // connect-node throws here, instead of answering, when a request has no valid host. It is the client's fault.
      response.statusCode = 400;
      response.end();
    }
  }

  function trackResponse(socket: Socket, response: ServerResponse): void {
    const responses = http1Sockets.get(socket) ?? new Set();
    responses.add(response);
    if (closed !== undefined) {
      response.setHeader("connection", "close");
    }
    response.once("close", () => {
      responses.delete(response);
      if (closed !== undefined) {
        closeHttp1Socket(socket, responses);
      }
    });
  }

  async function drain(): Promise<void> {
    const done = Promise.all([
      new Promise((resolve) => server.close(resolve)),
      // The server counts a connection as gone before the connection's own listeners have heard of it.
      ...[...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    ]);
    for (const socket of undecided) {
      socket.destroy();
    }
    for (const [socket, responses] of http1Sockets) {
      closeHttp1Socket(socket, responses);
    }
    for (const session of sessions) {
      closeSession(session);
    }
    await done;
    http1.close();
  }

  function cut(): void {
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
      const address = server.address();
      if (address === null || typeof address === "string") {
        throw new Error(`listening on ${address} instead of a TCP port`);
      }
      return address;
    },
    close(drainMs) {
      closed ??= drain();
      const timer = setTimeout(cut, drainMs);
      return closed.finally(() => clearTimeout(timer));
    },
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

function ignore(): void {}
