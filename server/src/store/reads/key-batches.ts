import type { ReadPacer } from "./read-pacer.js";

/** Distinct keys that are asked for together. */
export interface KeyBatch {
  /** By the first position that each answers. */
  readonly keys: readonly string[];
  /** Of each key the position that it answers, or all of them where there are several. */
  readonly positions: readonly (number | Iterable<number>)[];
  /** Consecutive times that DynamoDB has left all of it unprocessed. */
  readonly idleRounds: number;
  /** True if it was throttled, and must wait before it is asked for again. */
  readonly throttled: boolean;
}

/** Keys that an MGet has yet to request. Unprocessed keys come first. */
export interface BatchQueue {
  /** Takes the next batch, of the size that batches have by now; undefined when there is none. */
  take(): KeyBatch | undefined;
  /** Puts back what is left of a batch. */
  putBack(left: KeyBatch): void;
}

/**
 * A queue of the keys, in the order of their positions. With `repeats` each key is in one batch alone; without, each batch answers
 * successive positions.
 */
export function createBatchQueue(keys: readonly string[], repeats: Repeats | undefined, pacer: ReadPacer): BatchQueue {
  const fresh = repeats === undefined ? splitInOrder(keys, pacer) : splitDistinct(keys, repeats, pacer);
  const left: KeyBatch[] = [];

  function putBack(batch: KeyBatch): void {
    left.push(batch);
    left.sort((a, b) => firstPosition(a) - firstPosition(b));
  }

  function takeFresh(): KeyBatch | undefined {
    const next = fresh.next();
    return next.done ? undefined : { ...next.value, idleRounds: 0, throttled: false };
  }

  return {
    take() {
      const batch = left.shift();
      if (batch === undefined) {
        return takeFresh();
      }
      const size = pacer.keysPerBatch();
      if (batch.keys.length <= size) {
        return batch;
      }
      const { keys, positions } = batch;
      putBack({ ...batch, keys: keys.slice(size), positions: positions.slice(size) });
      return { ...batch, keys: keys.slice(0, size), positions: positions.slice(0, size) };
    },
    putBack,
  };
}

function firstPosition({ positions: [first = 0] }: KeyBatch): number {
  if (typeof first === "number") {
    return first;
  }
  const [position = 0] = first;
  return position;
}

/** At which positions keys stand again: a list for each of 100,000 keys would cost more than the keys. */
export interface Repeats {
  /** By position: where its key stands next, or 0. */
  readonly next: Int32Array;
  /** By position: 1 where its key has stood before. */
  readonly isRepeat: Uint8Array;
}

/** So many keys are looked up before others are looked after. */
const keysPerStep = 512;

/** Finds the keys that stand more than once; undefined when there are none, as nearly always. In small steps: there may be a million. */
export function* findRepeats(keys: readonly string[]): Generator<void, Repeats | undefined> {
  const last = new Map<string, number>();
  let repeats: Repeats | undefined;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const before = last.get(key);
    if (before !== undefined) {
      repeats ??= { next: new Int32Array(keys.length), isRepeat: new Uint8Array(keys.length) };
      repeats.next[before] = index;
      repeats.isRepeat[index] = 1;
    }
    last.set(key, index);
    if (index % keysPerStep === keysPerStep - 1) {
      yield;
    }
  }
  return repeats;
}

type FreshBatch = Pick<KeyBatch, "keys" | "positions">;

/** Batches of keys that occur nowhere else: each key is read once, and answered at all its positions. */
function* splitDistinct(keys: readonly string[], { next, isRepeat }: Repeats, pacer: ReadPacer): Generator<FreshBatch> {
  let batch: { keys: string[]; positions: Iterable<number>[] } = { keys: [], positions: [] };
  for (let index = 0; index < keys.length; index++) {
    if (isRepeat[index] === 1) {
      continue;
    }
    batch.keys.push(keys[index] as string);
    batch.positions.push({ [Symbol.iterator]: () => walk(next, index) });
    if (batch.keys.length >= pacer.keysPerBatch()) {
      yield batch;
      batch = { keys: [], positions: [] };
    }
  }
  if (batch.keys.length > 0) {
    yield batch;
  }
}

function* walk(next: Int32Array, head: number): Generator<number> {
  let index = head;
  do {
    yield index;
    index = next[index] ?? 0;
  } while (index !== 0);
}

/**
 * Batches of successive positions. A key is read again when it returns in a later batch: to keep its value until then
 * would let memory grow with the request.
 */
function* splitInOrder(keys: readonly string[], pacer: ReadPacer): Generator<FreshBatch> {
  for (let start = 0; start < keys.length; ) {
    const batch = new Map<string, number | number[]>();
    const end = Math.min(keys.length, start + pacer.keysPerBatch());
    for (let index = start; index < end; index++) {
      const key = keys[index] ?? "";
      const known = batch.get(key);
      if (known === undefined) {
        batch.set(key, index);
      } else if (typeof known === "number") {
        batch.set(key, [known, index]);
      } else {
        known.push(index);
      }
    }
    yield { keys: [...batch.keys()], positions: [...batch.values()] };
    start = end;
  }
}
