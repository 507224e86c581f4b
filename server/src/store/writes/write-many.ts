import { Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { cancellableSignal } from "../dynamodb/initiators.js";
import type { CallOptions } from "../layout/entry.js";
import type { StoreContext } from "../store-context.js";

/** Writes of several keys, each of its own. */
export interface WriteManyInput<T> {
  readonly keys: readonly string[];
  /** Carries out the write at a position. Throws or rejects with the error of that position. */
  readonly write: (index: number, options: CallOptions) => Promise<T>;
  /** Roughly how many bytes a result holds until it is taken. */
  readonly bytesOf: (result: T) => number;
}

export interface WriteResult<T> {
  readonly index: number;
  readonly written: T | DynakvError;
}

/** So many writes are in flight at once for each batch that an MGet might have: about as much work. */
const writesPerSlot = 16;
/** So many results, and so many bytes of them, may lie here before no further write is begun. */
const maxUntaken = 400;
const maxUntakenBytes = 4 * 1024 * 1024;
/** Of repeated keys, so many positions wait for their turn before others are looked at no more. */
const maxWaiting = 10_000;

/**
 * Carries out any number of writes, several at once, and answers each position exactly once, as they are answered. Those of one key
 * follow one another. While results are not taken no further write is begun, and none after the reader has left.
 */
export async function* writeMany<T>(
  context: StoreContext,
  { keys, write, bytesOf }: WriteManyInput<T>,
  options: CallOptions,
): AsyncGenerator<WriteResult<T>[]> {
  const { batchSlots, batchConcurrency, readRoom } = context;
  const { signal, leave } = cancellableSignal(options.signal);
  /** The keys of which a position is in flight or may be begun, and the later positions of each. */
  const busy = new Map<string, number[]>();
  /** The positions that may be begun before others, since those before them are answered. */
  const ready: number[] = [];
  let next = 0;
  let running = 0;
  let waiting = 0;
  let slots = 0;
  let untaken: WriteResult<T>[] = [];
  let untakenBytes = 0;
  let hasEnded = false;
  let defect: { readonly error: unknown } | undefined;
  let wake = () => {};

  /** Returns true if one more write may start. The first need no slot. */
  function hasRoom(): boolean {
    if (untaken.length + running >= maxUntaken || untakenBytes >= maxUntakenBytes) {
      return false;
    }
    if (running < writesPerSlot * (slots + 1)) {
      return true;
    }
    const isTaken = slots + 1 < batchConcurrency && batchSlots.tryTake();
    slots += isTaken ? 1 : 0;
    return isTaken;
  }

  function giveSlotsBack(needed: number): void {
    for (; slots > needed; slots--) {
      batchSlots.giveBack();
    }
  }

  function beginAll(): void {
    while (defect === undefined && !signal.aborted) {
      if (ready.length === 0 && (next >= keys.length || waiting >= maxWaiting)) {
        return;
      }
      if (!hasRoom()) {
        return;
      }
      const again = ready.pop();
      const index = again ?? next++;
      const key = keys[index] as string;
      const later = busy.get(key);
      if (again === undefined && later !== undefined) {
        later.push(index);
        waiting++;
        continue;
      }
      busy.set(key, later ?? []);
      running++;
      void carryOut(key, index);
    }
  }

  /** Never rejects. */
  async function carryOut(key: string, index: number): Promise<void> {
    try {
      settle(index, await write(index, { signal }));
    } catch (error) {
      if (error instanceof DynakvError) {
        settle(index, error);
      } else {
        defect ??= { error };
      }
    }
    running--;
    const following = busy.get(key)?.shift();
    if (following === undefined) {
      busy.delete(key);
    } else {
      waiting--;
      ready.push(following);
    }
    giveSlotsBack(Math.max(0, Math.ceil(running / writesPerSlot) - 1));
    if (!hasEnded) {
      beginAll();
    }
    wake();
  }

  function settle(index: number, written: T | DynakvError): void {
    const bytes = written instanceof DynakvError || hasEnded ? 0 : bytesOf(written);
    readRoom.holdAnyhow(bytes);
    untakenBytes += bytes;
    untaken.push({ index, written });
  }

  function take(): WriteResult<T>[] {
    const taken = untaken;
    untaken = [];
    readRoom.release(untakenBytes);
    untakenBytes = 0;
    return taken;
  }

  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      beginAll();
      if (defect !== undefined) {
        throw defect.error;
      }
      if (untaken.length > 0) {
        yield take();
      } else if (running === 0 && next >= keys.length) {
        return;
      } else if (signal.aborted) {
        throw abortError(signal.reason, Outcome.UNKNOWN);
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        // Results of the same turn share a message.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  } finally {
    hasEnded = true;
    signal.removeEventListener("abort", onAbort);
    leave();
    take();
    giveSlotsBack(0);
  }
}
