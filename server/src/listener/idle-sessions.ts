import type { ServerHttp2Session } from "node:http2";

/** Finds the HTTP/2 sessions that have had no call for a while. */
export interface IdleSessions {
  /** Watches a session until it is closed. */
  watch(session: ServerHttp2Session): void;
  /** A call has come by it. */
  noteCall(session: ServerHttp2Session | undefined): void;
  stop(): void;
}

/** The longest that one may stay beyond its time. */
const maxLateMs = 10_000;

/**
 * Tells each idle session once. The session's own `setTimeout` is not used: Node 20 forgets to take that timer back when a session
 * ends, and keeps all of the session until it runs out.
 */
export function createIdleSessions(idleMs: number, onIdle: (session: ServerHttp2Session) => void): IdleSessions {
  const lastCalls = new Map<ServerHttp2Session, number>();
  const timer = setInterval(probe, Math.min(idleMs / 4, maxLateMs)).unref();

  function probe(): void {
    const latest = performance.now() - idleMs;
    for (const [session, lastCallAt] of lastCalls) {
      if (lastCallAt <= latest) {
        lastCalls.delete(session);
        onIdle(session);
      }
    }
  }

  return {
    watch(session) {
      lastCalls.set(session, performance.now());
      session.once("close", () => lastCalls.delete(session));
    },
    noteCall(session) {
      if (session !== undefined && lastCalls.has(session)) {
        lastCalls.set(session, performance.now());
      }
    },
    stop() {
      clearInterval(timer);
    },
  };
}
