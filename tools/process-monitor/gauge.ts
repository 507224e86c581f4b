/**
 * Preloaded into a process that is watched, the server's command line included, which thereby runs as it is: tells what it
 * holds. Needs Node's flag `--expose-gc`.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { answerQuestions } from "./answer.js";

/** What a process holds after a full collection of garbage. */
export interface Gauge {
  readonly rssBytes: number;
  /** JavaScript's objects. */
  readonly heapBytes: number;
  /** Buffers, and what else lies outside of the heap. */
  readonly externalBytes: number;
  /** The connections that it has accepted, and which are open. */
  readonly connections: number;
  /** How many of each kind of resource keep it alive, by Node's name of the kind. */
  readonly resources: Readonly<Record<string, number>>;
}

const accepted = new Set<Socket>();

subscribe("net.server.socket", (message) => {
  const { socket } = message as { socket: Socket };
  accepted.add(socket);
  socket.once("close", () => accepted.delete(socket));
});

answerQuestions({
  async gauge(): Promise<Gauge> {
    // What a first collection lets go of, such as sockets with finalizers, the second one frees.
    for (let times = 0; times < 2; times++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    const resources: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) {
      resources[kind] = (resources[kind] ?? 0) + 1;
    }
    return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external, connections: accepted.size, resources };
  },
});
