import * as http2 from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Silence } from "../silence.js";
import { noteUnsent } from "../unsent.js";
import { untilAborted } from "../until-aborted.js";
import { explainNoConnection } from "./explain-no-connection.js";
import { createKeepAlive, type KeepAlive } from "./keep-alive.js";

/**
 * The connection of HTTP/2 to one server, which is made when it is needed. It is what Connect takes as a session manager, in
 * place of its own, which never recovers from a peer that fell silent while calls overlap.
 */
export interface Http2Connections {
  readonly authority: string;
  /** Opens a stream, on a connection that lives. */
  request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: Omit<http2.ClientSessionRequestOptions, "signal">,
  ): Promise<http2.ClientHttp2Stream>;
  /** Something of an answer has come. */
  notifyResponseByteRead(stream: http2.ClientHttp2Stream): void;
  /** Returns true if a call can be sent at once. */
  isReady(): boolean;
  /** Waits until one can. Rejects, with an error of what was never sent, when no connection comes about. */
  ready(signal?: AbortSignal): Promise<unknown>;
  /** Closes what is open, for good. */
  close(): void;
}

interface Connection {
  readonly session: http2.ClientHttp2Session;
  readonly keepAlive: KeepAlive;
  streams: number;
  /** Its server has asked to leave it: what is in flight goes on, and new calls need another one. */
  isLeaving: boolean;
}

/** A connection without calls is closed after so long, in milliseconds. */
const idleMs = 900_000;

/**
 * Flow-control windows, in bytes: how much a server may send before it hears that it was read. RFC 9113's default is 65,535 for a stream
 * and for all streams of a connection together, less than one message of an mget, each of which then waits for a round trip.
 */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 1024 * 1024;

/** gRPC's debug data for a server that is pinged too often. */
const tooManyPings = Buffer.from("too_many_pings");

export function createHttp2Connections(
  address: string,
  silence: Silence,
  options: http2.ClientSessionOptions | http2.SecureClientSessionOptions,
): Http2Connections {
  const authority = new URL(address).origin;
  const { timeoutMs } = silence;
  let { intervalMs } = silence;
  const open = new Set<Connection>();
  const closed = new ConnectError("the client is closed", Code.Canceled);
  let isClosed = false;
  let current: Connection | undefined;
  let pending: Promise<Connection> | undefined;

  function isUsable({ session, isLeaving }: Connection): boolean {
    return !isLeaving && !session.closed && !session.destroyed;
  }

  function findReady(): Connection | undefined {
    return current !== undefined && isUsable(current) && current.keepAlive.isFresh() ? current : undefined;
  }

  /** The connection that lives, or a new one. All who wait at the same time wait for the same. */
  function findOrConnect(): Promise<Connection> {
    pending ??= verifyOrConnect().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  async function verifyOrConnect(): Promise<Connection> {
    if (current !== undefined && isUsable(current)) {
      // Somebody waits for it.
      current.session.ref();
      await current.keepAlive.ask();
      if (current.streams === 0) {
        current.session.unref();
      }
      if (isUsable(current)) {
        return current;
      }
    }
    current = await connect();
    return current;
  }

  function connect(): Promise<Connection> {
    const settings = { ...options.settings, initialWindowSize: streamWindowBytes };
    const session = http2.connect(authority, { ...options, settings });
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    // Node tells of some errors when nobody listens any more, and that would end the process.
    session.on("error", () => {});
    const connection: Connection = { session, keepAlive: createWatch(session), streams: 0, isLeaving: false };
    open.add(connection);
    session.once("close", () => open.delete(connection));
    session.once("goaway", (_code, _lastStream, data?: Buffer) => leave(connection, data));
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        session.off("error", fail).off("close", fail).off("remoteSettings", succeed);
      };
      const fail = (cause?: Error) => {
        end();
        session.destroy();
        reject(isClosed ? closed : noteUnsent(explainNoConnection(authority, cause)));
      };
      // A TCP accept proves nothing: only the peer's SETTINGS frame shows an HTTP/2 server.
      const succeed = () => {
        end();
        // Only calls keep the process.
        session.unref();
        connection.keepAlive.heard();
        resolve(connection);
      };
      const late = () => fail(new Error(`no response within ${intervalMs + timeoutMs} ms`));
      const timer = setTimeout(late, intervalMs + timeoutMs);
      session.once("error", fail).once("close", fail).once("remoteSettings", succeed);
    });

    function createWatch(session: http2.ClientHttp2Session): KeepAlive {
      let idle: NodeJS.Timeout | undefined;
      return createKeepAlive({
        session,
        intervalMs,
        timeoutMs,
        isAwaited: () => connection.streams > 0,
        onSilence: () =>
          session.destroy(new ConnectError("keepalive timeout: the connection is dead", Code.Unavailable)),
        onIdle() {
          clearTimeout(idle);
          idle = setTimeout(() => connection.streams === 0 && session.close(), idleMs).unref();
        },
      });
    }
  }

  function leave(connection: Connection, data: Buffer | undefined): void {
    connection.isLeaving = true;
    if (data?.equals(tooManyPings)) {
      intervalMs *= 2;
    }
    if (connection.streams === 0) {
      connection.session.destroy();
    }
  }

  function track(connection: Connection, stream: http2.ClientHttp2Stream): void {
    const { session, keepAlive } = connection;
    if (connection.streams++ === 0) {
      session.ref();
      keepAlive.watch();
    }
    stream.once("close", () => {
      if (--connection.streams === 0) {
        session.unref();
        if (connection.isLeaving) {
          session.destroy();
        }
      }
    });
  }

  return {
    authority,
    isReady: () => findReady() !== undefined,
    ready: (signal) => untilAborted(signal, findOrConnect()),
    async request(method, path, headers, streamOptions) {
      for (;;) {
        if (isClosed) {
          throw closed;
        }
        const connection = findReady() ?? (await findOrConnect());
        try {
          const stream = connection.session.request({ ...headers, ":method": method, ":path": path }, streamOptions);
          track(connection, stream);
          return stream;
        } catch (error) {
          // It has ended in the meantime: https://github.com/nodejs/help/issues/2105
          if (isUsable(connection)) {
            throw error;
          }
        }
      }
    },
    notifyResponseByteRead({ session }) {
      if (session === current?.session) {
        current?.keepAlive.heard();
      }
    },
    close() {
      isClosed = true;
      for (const { session } of open) {
        session.destroy(closed);
      }
    },
  };
}
