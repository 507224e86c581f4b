import type { ReadPacer } from "./read-pacer.js";

/** Distinct keys that are asked for together. */
export interface KeyBatch {
  /** Each key with the positions that it answers, by the first of these. */
  readonly keys: ReadonlyMap<string, Iterable<number>>;
  /** How often in a row DynamoDB has left all of it unprocessed. */
  readonly idleRounds: number;
  /** Whether it was throttled, and must wait before it is asked for again. */
  readonly throttled: boolean;
}

/** What one MGet has yet to ask for. What was left unprocessed comes before what was not asked for yet. */
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
    return next.done ? undefined : { keys: next.value, idleRounds: 0, throttled: false };
  }

  return {
    take() {
      const batch = left.shift();
      if (batch === undefined) {
        return takeFresh();
      }
      const size = pacer.keysPerBatch();
      if (batch.keys.size <= size) {
        return batch;
      }
      const entries = [...batch.keys];
      putBack({ ...batch, keys: new Map(entries.slice(size)) });
      return { ...batch, keys: new Map(entries.slice(0, size)) };
    },
    putBack,
  };
}

function firstPosition({ keys }: KeyBatch): number {
  for (const positions of keys.values()) {
    for (const position of positions) {
      return position;
    }
  }
  return 0;
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

/** Batches of keys that occur nowhere else: each key is read once, and answered at all its positions. */
function* splitDistinct(
  keys: readonly string[],
  { next, isRepeat }: Repeats,
  pacer: ReadPacer,
): Generator<KeyBatch["keys"]> {
  let batch = new Map<string, Iterable<number>>();
  for (let index = 0; index < keys.length; index++) {
    if (isRepeat[index] === 1) {
      continue;
    }
    batch.set(keys[index] as string, { [Symbol.iterator]: () => walk(next, index) });
    if (batch.size >= pacer.keysPerBatch()) {
      yield batch;
      batch = new Map();
    }
  }
  if (batch.size > 0) {
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
function* splitInOrder(keys: readonly string[], pacer: ReadPacer): Generator<KeyBatch["keys"]> {
  for (let start = 0; start < keys.length; ) {
    const batch = new Map<string, number[]>();
    const end = Math.min(keys.length, start + pacer.keysPerBatch());
    for (let index = start; index < end; index++) {
      const key = keys[index] ?? "";
      const positions = batch.get(key);
      if (positions === undefined) {
        batch.set(key, [index]);
      } else {
        positions.push(index);
      }
    }
    yield batch;
    start = end;
  }
}
