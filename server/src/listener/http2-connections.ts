import type { IncomingHttpHeaders } from "node:http";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ConnectionAge } from "./connection-age.js";
import type { ConnectionLimits } from "./connection-limits.js";
import { createDeadSessions } from "./dead-sessions.js";
import { type Exchange, type NodeRequest, type NodeResponse, prepareResponse, StreamExchange } from "./exchange.js";
import { maxHeadBytes, maxHeadFields } from "./http1-connections.js";
import { createIdleSessions } from "./idle-sessions.js";

export interface Http2ConnectionsOptions {
  readonly onExchange: (exchange: Exchange) => void;
  /** The most calls that one connection may have open: its SETTINGS_MAX_CONCURRENT_STREAMS. */
  readonly maxStreams: number;
  readonly limits: ConnectionLimits;
  readonly ages: ConnectionAge;
}

/** The connections of a port that speak HTTP/2. */
export interface Http2Connections {
  /** Takes a connection over. */
  add(socket: Socket): void;
  /** From now on every client is told at once to go elsewhere. */
  announceEnd(): void;
  /** Tells the clients of all connections to make new ones. Running calls finish. */
  close(): void;
  /** Ends all connections with whatever still runs. */
  cut(): void;
  /** No connection is left. */
  stop(): void;
}

/**
 * Session memory per concurrent stream, in megabytes. Past it, Node
 * refuses the connection's new calls, and soon ends all of them. Its default of 10 in all is 25 of the largest values. The
 * memory is bounded all the same: a stream is asked for more only when its client has read.
 */
const streamMegabytes = 4;
const minSessionMegabytes = 256;

/**
 * Flow-control window of a connection, in bytes: RFC 9113's default is 65,535 for all its streams together, so that concurrent large
 * requests wait for a round trip after each half of that. A stream keeps the default, and a client that sends what nobody reads yet fills
 * no more than that for each of its streams.
 */
const connectionWindowBytes = 1024 * 1024;

/**
 * Time to wait, when closing, until a client has confirmed that it knows: a round trip across a continent. Clients on
 * Node close without confirming.
 */
const goawayTimeoutMs = 250;

/** Interval of probes for dead sessions, in milliseconds. */
const deadSessionsEveryMs = 500;

/** Longest time that a client may go on sending a request that has been answered. */
const discardTimeoutMs = 1000;

/** The highest stream id that there is. A GOAWAY with it refuses no call: RFC 9113, section 6.8. */
const maxStreamId = 2 ** 31 - 1;

export function createHttp2Connections(options: Http2ConnectionsOptions): Http2Connections {
  const { onExchange, maxStreams, limits, ages } = options;
  const sessions = new Set<ServerHttp2Session>();
  const deadSessions = createDeadSessions(deadSessionsEveryMs);
  const idleSessions = createIdleSessions(limits.idleMs, closeSession);
  let isEnding = false;

  // These two never listen: sockets are handed to the first, and streams to the second, which makes requests and responses of them:
  // a server does so with all that it gets, or with none.
  const server = createServer({
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeadBytes },
    maxHeaderListPairs: maxHeadFields,
    maxSessionMemory: Math.max(minSessionMegabytes, maxStreams * streamMegabytes),
  });
  const requests = createServer(takeOpened);
  // Without these listeners Node answers an `expect` by itself, before anything is known of the call.
  requests.on("checkContinue", takeOpened);
  requests.on("checkExpectation", takeOpened);
  server.on(
    "stream",
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
      // Failures surface in the call; without a listener the event would crash the process.
      stream.on("error", () => {});
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
          requests.emit("stream", stream, headers, flags, rawHeaders);
          return opened;
        }),
      );
    },
  );
  /** The exchange of a new stream, handed over by Node's synchronous event. */
  let opened: ReturnType<Exchange["open"]>;
  function takeOpened(request: NodeRequest, response: NodeResponse): void {
    prepareResponse(response);
    opened = { request, response };
  }
  /** The connection of the session that is being made. */
  let sessionSocket: Socket;
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    deadSessions.watch(session, sessionSocket);
    session.once("close", () => sessions.delete(session));
    limits.watchSession(session);
    idleSessions.watch(session);
    if (isEnding) {
      closeSession(session);
    }
    ages.watch({
      retire: () => closeSession(session),
      cut: () => session.destroy(),
      once: (event, listener) => session.once(event, listener),
    });
  });

  function close(): void {
    for (const session of sessions) {
      closeSession(session);
    }
  }

  return {
    add(socket) {
      // HTTP/2 has no half-closed connections: one that its client has ended would stay forever.
      socket.allowHalfOpen = false;
      sessionSocket = socket;
      server.emit("connection", socket);
    },
    announceEnd() {
      isEnding = true;
      close();
    },
    close,
    cut() {
      for (const session of sessions) {
        session.destroy();
      }
    },
    stop() {
      deadSessions.stop();
      idleSessions.stop();
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
 * Has the client of a session make another one, in two steps, as gRPC servers do. The first GOAWAY asks the client for no more calls; those
 * that were on their way are served. Only the second, when the client has confirmed the first, refuses calls.
 */
export function closeSession(session: ServerHttp2Session): void {
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
