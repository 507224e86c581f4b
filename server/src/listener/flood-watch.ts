import { constants, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

/** Closes HTTP/2 connections that keep the server busy with frames that belong to no call. */
export interface FloodWatch {
  watch(session: ServerHttp2Session): void;
  /** A call has come: from now on its body counts as one. */
  watchStream(stream: ServerHttp2Stream): void;
  /** A call of this connection has ended, perhaps by a reset of its client's. */
  noteEnd(session: Http2Session, isReset: boolean): void;
  /** To be called every second. */
  sweep(now: number): void;
}

export interface FloodWatchOptions {
  /** Number of calls a connection may have reset in a second, in the long run. It may do many seconds' worth at once. */
  readonly resetsPerSecond: number;
  /** Has the client of a session make another one: no more calls are taken, and those that run finish. */
  retire(session: ServerHttp2Session): void;
  /** Is told of a connection that was closed, and where it came from. */
  onFlood(address: string | undefined): void;
}

interface Watched {
  readonly session: ServerHttp2Session;
  readonly socket: Pick<Socket, "bytesRead" | "bytesWritten">;
  readonly address: string | undefined;
  bytesRead: number;
  bytesWritten: number;
  /** Number of calls that have begun or ended since the last time, and how many bytes of bodies have come. */
  calls: number;
  bodyBytes: number;
  /** Number of calls it may reset now. */
  resets: number;
  isRetired: boolean;
}

/** Bytes a second that a connection may send beyond its calls: nearly four thousand pings, and far more than any client does. */
const idleBytes = 65_536;
/** Bytes allowed when a call begins (its head) or ends (body bytes in flight). */
const callBytes = 65_536;
/** Wire bytes allowed per body byte: more would be tiny frames, or padding. */
const framing = 2;
/** Receivers of large responses send WINDOW_UPDATEs and measure the connection by pings. */
const confirmingShare = 1 / 4;

/**
 * Number of calls a connection may reset at once: nearly as many as nghttp2 lets it, which after that neither reads nor closes the
 * connection. It allows 33 more a second, and on Node 20 no option changes that.
 */
const resetBurst = 950;
/**
 * A connection that has so little of its burst left is retired: it may be a proxy's, some of whose callers have short patience, and
 * closing it would fail the calls of the others. Its next one starts with a full burst. Who resets calls to do harm does not heed that,
 * and is closed when nothing is left.
 */
const retiringBurst = resetBurst / 2;

/**
 * nghttp2 and Node end some floods by themselves: empty frames, continuations without end. Others are answered or
 * skipped for ever: pings, settings, priorities, window updates, frames of unknown types. All of these have in common that bytes
 * come though no call does, which is seen without looking at each frame.
 */
export function createFloodWatch({ resetsPerSecond, retire, onFlood }: FloodWatchOptions): FloodWatch {
  const all = new Map<Http2Session, Watched>();
  let sweptAt = performance.now();

  function close({ session, address }: Watched): void {
    if (!session.destroyed) {
      onFlood(address);
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      session.destroy();
    }
  }

  /** Returns true if it was since the last time. */
  function isFlooded(watched: Watched): boolean {
    const { socket, calls, bodyBytes } = watched;
    const { bytesRead, bytesWritten } = socket;
    const read = bytesRead - watched.bytesRead;
    const written = bytesWritten - watched.bytesWritten;
    Object.assign(watched, { bytesRead, bytesWritten, calls: 0, bodyBytes: 0 });
    return read > idleBytes + calls * callBytes + bodyBytes * framing + written * confirmingShare;
  }

  return {
    watch(session) {
      const { socket } = session;
      all.set(session, {
        session,
        socket,
        address: socket.remoteAddress,
        bytesRead: 0,
        bytesWritten: 0,
        calls: 0,
        bodyBytes: 0,
        resets: resetBurst,
        isRetired: false,
      });
      session.once("close", () => all.delete(session));
    },
    watchStream(stream) {
      const watched = stream.session && all.get(stream.session);
      if (watched !== undefined) {
        watched.calls++;
        const { push } = stream;
        stream.push = (chunk: Uint8Array | null, ...rest) => {
          watched.bodyBytes += chunk?.length ?? 0;
          return push.call(stream, chunk, ...rest);
        };
      }
    },
    noteEnd(session, isReset) {
      const watched = all.get(session);
      if (watched === undefined) {
        return;
      }
      watched.calls++;
      if (!isReset) {
        return;
      }
      const before = watched.resets--;
      if (!watched.isRetired && watched.resets < retiringBurst) {
        watched.isRetired = true;
        setImmediate(retire, watched.session);
      }
      if (before >= 0 && watched.resets < 0) {
        // Not now: Node may be in the middle of reading the reset, and a session that is destroyed meanwhile frees what is
        // read on afterwards, which ends the process: https://github.com/nodejs/node/issues/38964
        setImmediate(close, watched);
      }
    },
    sweep(now) {
      // A busy event loop sweeps late.
      const seconds = (now - sweptAt) / 1000;
      sweptAt = now;
      for (const watched of all.values()) {
        const { session, resets } = watched;
        watched.resets = Math.min(resetBurst, resets + resetsPerSecond * seconds);
        if (!session.destroyed && isFlooded(watched)) {
          close(watched);
        }
      }
    },
  };
}
