import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionAge } from "./connection-age.js";
import type { ConnectionLimits } from "./connection-limits.js";
import { type Exchange, prepareResponse, RequestExchange } from "./exchange.js";

export interface Http1ConnectionsOptions {
  readonly onExchange: (exchange: Exchange) => void;
  /** Longest time that a request may take for its head, in milliseconds. */
  readonly headTimeoutMs: number;
  /** Longest time that a connection may be idle, in milliseconds. */
  readonly keepAliveMs: number;
  readonly limits: ConnectionLimits;
  readonly ages: ConnectionAge;
}

/** The connections of a port that speak HTTP/1.1. */
export interface Http1Connections {
  /** Takes a connection over. */
  add(socket: Socket): void;
  /** Begins to enforce the times that clients have. */
  start(): void;
  /** From now on every answer is the last of its connection, and says so, where its head is not sent yet. */
  announceEnd(): void;
  /** Has the clients make new connections: each of these ends with its next answer, or soon if there is none. */
  goAway(): void;
  /** Closes the connections that have nothing left to answer, and the others once they have. */
  close(): void;
  /** No connection is left. */
  stop(): void;
}

/** Time that a connection which looks idle stays open when it is to end, in milliseconds, for the request that may be on its way. */
export const lastRequestMs = 500;

/**
 * Number of requests a client may send without waiting for answers: more than any does. They are answered in turn, and each is held until
 * then.
 */
const maxPipelined = 32;

/** The most bytes of a request's head: ample for tokens and traces, and what Node takes by default. */
export const maxHeadBytes = 16_384;
/** The most fields of a request's head. */
export const maxHeadFields = 128;

export function createHttp1Connections(options: Http1ConnectionsOptions): Http1Connections {
  const { onExchange, headTimeoutMs, keepAliveMs, limits, ages } = options;
  /** Each with its unfinished responses in the order of their requests. */
  const open = new Map<Socket, Set<ServerResponse>>();
  /** Those that end with their last response. */
  const retired = new WeakSet<Socket>();
  /** Those that have time for a last request. */
  const waited = new WeakSet<Socket>();
  let isEnding = false;

  // It never listens: sockets are handed to it.
  const server = createServer(
    {
      headersTimeout: headTimeoutMs,
      // It says nothing about the response, which may stream for hours.
      requestTimeout: Math.max(limits.wholeRequestMs, headTimeoutMs),
      maxHeaderSize: maxHeadBytes,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(headTimeoutMs, 1000),
    },
    serve,
  );
  // Without these listeners Node answers an `expect` by itself, before anything is known of the call.
  server.on("checkContinue", serve);
  server.on("checkExpectation", serve);

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const responses = open.get(request.socket);
    if (responses === undefined) {
      // Node reads on in what a connection has left behind that is closed: nobody would hear the answer, nor of its end.
      return;
    }
    if ([...responses].some(isLastOfConnection)) {
      // Its client was told that the connection ends with that answer, so this request is not answered, nor carried out: it is free to
      // send it again.
      return;
    }
    trackResponse(request.socket, responses, response);
    closeAfterUnread(request, response);
    limits.watchRequest(request, response);
    prepareResponse(response);
    if (request.rawHeaders.length > 2 * maxHeadFields) {
      response.writeHead(431, { connection: "close" }).end();
      return;
    }
    onExchange(new RequestExchange(request, response));
  }

  function trackResponse(socket: Socket, responses: Set<ServerResponse>, response: ServerResponse): void {
    responses.add(response);
    if (responses.size > maxPipelined) {
      socket.destroy();
    }
    const isLast = () => isEnding || retired.has(socket);
    if (isLast()) {
      for (const earlier of responses) {
        if (!earlier.headersSent) {
          earlier.removeHeader("connection");
        }
      }
      response.setHeader("connection", "close");
    }
    response.once("close", () => {
      responses.delete(response);
      if (!isLast() || socket.destroyed) {
        return;
      }
      if (responses.size > 0 || isLastOfConnection(response)) {
        closeSocket(socket, responses);
      } else {
        // Its head was sent before there was an end to tell of, as a stream's: the next request may be on its way.
        closeAfterWait(socket, responses);
      }
    });
  }

  function closeAfterWait(socket: Socket, responses: ReadonlySet<ServerResponse>): void {
    waited.add(socket);
    // What has come by the end of that time is read before it.
    const timer = setTimeout(() => setImmediate(closeSocket, socket, responses), lastRequestMs).unref();
    socket.once("close", () => clearTimeout(timer));
  }

  function retire(socket: Socket, responses: ReadonlySet<ServerResponse>): void {
    retired.add(socket);
    if (responses.size > 0) {
      closeSocket(socket, responses);
    } else {
      closeAfterWait(socket, responses);
    }
  }

  return {
    add(socket) {
      const responses = new Set<ServerResponse>();
      open.set(socket, responses);
      server.emit("connection", socket);
      ages.watch({
        retire: () => retire(socket, responses),
        cut: () => socket.destroy(),
        once: (event, listener) => socket.once(event, listener),
      });
      socket.once("close", () => {
        open.delete(socket);
        // Node tells the response that is being sent alone; those in the pipeline behind it would not hear of it.
        for (const response of responses) {
          response.destroyed = true;
          response.emit("close");
        }
      });
    },
    start() {
      // A server enforces its timeouts from this event on only.
      server.emit("listening");
    },
    announceEnd() {
      isEnding = true;
      for (const [socket, responses] of open) {
        if (responses.size > 0) {
          closeSocket(socket, responses);
        }
      }
    },
    goAway() {
      for (const [socket, responses] of open) {
        retire(socket, responses);
      }
    },
    close() {
      for (const [socket, responses] of open) {
        retired.add(socket);
        if (!waited.has(socket)) {
          closeSocket(socket, responses);
        }
      }
    },
    stop() {
      server.close();
    },
  };
}

/** Returns true if a response has told its client that it is the last. */
function isLastOfConnection(response: ServerResponse): boolean {
  return response.headersSent && response.getHeader("connection") === "close";
}

/**
 * A connection whose request was answered before it was read whole ends with the answer: what comes next in it is the rest of the old request. The client is told so
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
 * Closes a connection if it has nothing left to answer, and else tells its client that there will be no more.
 * `http.Server.closeIdleConnections` is no help: it cuts off responses that are complete, but not sent yet.
 */
function closeSocket(socket: Socket, responses: ReadonlySet<ServerResponse>): void {
  const last = [...responses].at(-1);
  if (last === undefined) {
    socket.destroySoon();
  } else if (!last.headersSent) {
    last.setHeader("connection", "close");
  }
}
