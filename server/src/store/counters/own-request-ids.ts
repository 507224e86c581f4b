import { createWriter, formatRequestId } from "../../../../common/request-ids.js";

/** Gives out the ids of a server, for increments that come without one. */
export interface RequestIds {
  /**
   * Carries out an increment of a key with an id of its own, and all its repetitions with the same. At most eight are under
   * way for one key at a time, further ones wait for their turn; a signal that aborts meanwhile rejects with its reason.
   */
  use<T>(key: string, call: (id: string) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Number of increments of one key that may be in flight: each needs a writer, and a writer takes a slot in the counter's item. */
const writersPerKey = 8;

/** The writers of one key: which are busy, and who waits. */
interface Queue {
  readonly busy: boolean[];
  readonly waiting: Set<(writer: number) => void>;
}

/**
 * Its ids are UUIDs of version 7 whose second half names a writer. A counter remembers the last of each, and no others: so a
 * writer has one increment of a key in flight at a time, and its ids ascend, also when the clock does not.
 */
export function createRequestIds(clock: () => number = Date.now): RequestIds {
  const writers = Array.from({ length: writersPerKey }, createWriter);
  const queues = new Map<string, Queue>();
  let last = 0n;

  function createId(writer: number): string {
    const now = BigInt(Math.floor(clock())) << 12n;
    last = now > last ? now : last + 1n;
    return formatRequestId(last, writers[writer] as string);
  }

  async function acquire(queue: Queue, signal: AbortSignal | undefined): Promise<number> {
    // The first that is free, so that who increments in turn takes one slot only.
    const free = queue.busy.indexOf(false);
    if (free >= 0) {
      queue.busy[free] = true;
      return free;
    }
    return new Promise((resolve, reject) => {
      const take = (writer: number) => {
        signal?.removeEventListener("abort", leave);
        resolve(writer);
      };
      const leave = () => {
        queue.waiting.delete(take);
        reject(signal?.reason);
      };
      queue.waiting.add(take);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  function release(key: string, queue: Queue, writer: number): void {
    const [next] = queue.waiting;
    if (next !== undefined) {
      queue.waiting.delete(next);
      next(writer);
      return;
    }
    queue.busy[writer] = false;
    if (!queue.busy.includes(true)) {
      queues.delete(key);
    }
  }

  return {
    async use(key, call, signal) {
      signal?.throwIfAborted();
      let queue = queues.get(key);
      if (queue === undefined) {
        queue = { busy: writers.map(() => false), waiting: new Set() };
        queues.set(key, queue);
      }
      const writer = await acquire(queue, signal);
      try {
        return await call(createId(writer));
      } finally {
        release(key, queue, writer);
      }
    },
  };
}
