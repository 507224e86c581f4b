import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { type AdmitConnection, type ConnectionCountLimits, createConnectionCounts } from "./connection-counts.js";
import { createFloodWatch } from "./flood-watch.js";
import { createStalledRequests, wholeFactor } from "./stalled-requests.js";

/** Limits of a port's connections and requests. */
export interface ConnectionLimitOptions extends ConnectionCountLimits {
  /** Longest time that the body of a request may stand still, in milliseconds; in all it has ten times as long. The default is 30,000. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Longest time that an HTTP/2 connection may be without a call, in milliseconds. The default is 3,600,000: an hour. */
  readonly idleMs?: number | undefined;
  /** Number of calls a connection may have reset in a second, in the long run: see {@link FloodWatchOptions}. The default is 33. */
  readonly resetsPerSecond?: number | undefined;
  /** Is told what was done against a client, and its address. */
  readonly onClosed?: (why: "maxConnections" | "flood", address: string | undefined) => void;
}

/** Keeps watch over the connections of one port. */
export interface ConnectionLimits {
  /** True if there is room for a connection; one that there is none for must be destroyed. */
  readonly admit: AdmitConnection;
  /** Longest time that an HTTP/2 connection may be without a call. */
  readonly idleMs: number;
  /** Longest time that a request may take in all to arrive. */
  readonly wholeRequestMs: number;
  watchSession(session: ServerHttp2Session): void;
  watchStream(stream: ServerHttp2Stream): void;
  watchRequest(request: IncomingMessage, response: ServerResponse): void;
  /** Begins to look around, until it is stopped. */
  start(): void;
  stop(): void;
}

/** Sweep interval, in milliseconds. */
const sweepMs = 1000;

/** @param options.retire has the client of a session make another one: no more calls are taken, and those that run finish */
export function createConnectionLimits(
  options: ConnectionLimitOptions & { readonly retire: (session: ServerHttp2Session) => void },
): ConnectionLimits {
  const { bodyTimeoutMs = 30_000, idleMs = 3_600_000, resetsPerSecond = 33, retire, onClosed } = options;
  const admit = createConnectionCounts(options);
  const floods = createFloodWatch({
    resetsPerSecond,
    retire,
    onFlood: (address) => onClosed?.("flood", address),
  });
  const stalled = createStalledRequests(bodyTimeoutMs, floods.noteEnd);
  let timer: NodeJS.Timeout | undefined;
  return {
    idleMs,
    wholeRequestMs: bodyTimeoutMs * wholeFactor,
    admit(socket) {
      const admitted = admit(socket);
      if (!admitted) {
        onClosed?.("maxConnections", socket.remoteAddress);
      }
      return admitted;
    },
    watchSession: floods.watch,
    watchStream(stream) {
      floods.watchStream(stream);
      stalled.watchStream(stream);
    },
    watchRequest: stalled.watchRequest,
    start() {
      timer ??= setInterval(
        () => {
          const now = performance.now();
          stalled.sweep(now);
          floods.sweep(now);
        },
        Math.min(sweepMs, bodyTimeoutMs),
      ).unref();
    },
    stop() {
      clearInterval(timer);
    },
  };
}
