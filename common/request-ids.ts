/** Gives out the ids that make increments safe to repeat. */
export interface RequestIds {
  /**
   * Carries out an increment of a key with an id of its own, and all its repetitions with the same. At most eight are under
   * way for one key at a time, further ones wait for their turn; a signal that aborts meanwhile rejects with its reason.
   */
  use<T>(key: string, call: (id: string) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** How many increments of one key may be under way: each needs a writer, and a writer takes a slot in the counter's item. */
const writersPerKey = 8;

/** The writers of one key: which are busy, and who waits. */
interface Queue {
  readonly busy: boolean[];
  readonly waiting: Set<(writer: number) => void>;
}

/**
 * Request ids are UUIDs of version 7 whose second half names a writer. A server remembers the last id of each writer, for
 * each key: so a writer has one increment of a key under way at a time, and its ids ascend, also when the clock does not.
 */
export function createRequestIds(clock: () => number = Date.now): RequestIds {
  const writers = Array.from({ length: writersPerKey }, createWriter);
  const queues = new Map<string, Queue>();
  let last = 0n;

  function createId(writer: number): string {
    const now = BigInt(Math.floor(clock())) << 12n;
    last = now > last ? now : last + 1n;
    return formatId(last, writers[writer] as string);
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

/**
 * One request id, of a writer of its own, for an increment that may be repeated at any time within the server's window and
 * by anybody: one that goes with a job through a queue. Each takes a slot of its own in the counter's item, of which there
 * are 128 by default; increments that follow one another share one by {@link createRequestIds}, and need not be given any.
 */
export function createRequestId(timeMs = Date.now()): string {
  return formatId(BigInt(Math.floor(timeMs)) << 12n, createWriter());
}

function formatId(sequence: bigint, writer: string): string {
  const hex = sequence.toString(16).padStart(15, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12)}-${writer}`;
}

/** The second half of a UUID: the two bits of the variant, and 62 random ones. */
function createWriter(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}
