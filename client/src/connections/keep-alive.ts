import type { ClientHttp2Session } from "node:http2";
import type { Silence } from "../silence.js";

/** Watches that a connection of HTTP/2 brings something as long as something is expected of it. */
export interface KeepAlive {
  /** Returns true if it is known that the connection lived a moment ago, so that a call may be sent without asking first. */
  isFresh(): boolean;
  /** Something has come. */
  heard(): void;
  /** Watches from now on, for as long as something is expected. */
  watch(): void;
  /** Asks by a ping, and resolves once something has come, or the connection is closed. */
  ask(): Promise<void>;
}

export interface KeepAliveTarget extends Silence {
  readonly session: ClientHttp2Session;
  /** Returns true if calls are in flight. */
  readonly isAwaited: () => boolean;
  /** Nothing has come, though it was asked. */
  readonly onSilence: () => void;
  /** Nothing is expected any more. */
  readonly onIdle: () => void;
}

/** Number of probes an interval has. */
const probesEach = 4;

/**
 * The client's side of https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md. Silence is counted in probes, not
 * by the clock: between two probes the event loop has read what had arrived, so that a loop which stood still does not take a
 * connection for dead whose answer it has not read yet.
 */
export function createKeepAlive({
  session,
  intervalMs,
  timeoutMs,
  isAwaited,
  onSilence,
  onIdle,
}: KeepAliveTarget): KeepAlive {
  const everyMs = Math.max(1, Math.min(intervalMs, timeoutMs) / probesEach);
  const asksAfter = Math.ceil(intervalMs / everyMs);
  const endsAfter = asksAfter + Math.ceil(timeoutMs / everyMs);
  const asking = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let heardAt = performance.now();
  let bytesRead = 0;
  let silentLooks = 0;

  function heard(): void {
    heardAt = performance.now();
    silentLooks = 0;
    for (const tell of asking) {
      tell();
    }
    asking.clear();
  }

  function ping(): void {
    // An error of it is the session's.
    session.ping((error) => {
      if (error === null) {
        heard();
      }
    });
  }

  function probe(): void {
    if (session.destroyed) {
      stop();
      heard();
    } else if (!isAwaited() && asking.size === 0) {
      stop();
      onIdle();
    } else if (session.socket.bytesRead !== bytesRead) {
      bytesRead = session.socket.bytesRead;
      heard();
    } else if (++silentLooks >= endsAfter) {
      stop();
      onSilence();
      heard();
    } else if (silentLooks === asksAfter) {
      ping();
    }
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function watch(): void {
    if (timer === undefined) {
      silentLooks = 0;
      bytesRead = session.destroyed ? 0 : session.socket.bytesRead;
      timer = setInterval(probe, everyMs).unref();
    }
  }

  return {
    isFresh: () => performance.now() - heardAt <= intervalMs,
    heard,
    watch,
    ask() {
      watch();
      return new Promise((resolve) => {
        asking.add(resolve);
        if (silentLooks < asksAfter) {
          silentLooks = asksAfter;
          ping();
        }
      });
    },
  };
}
