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

/** A queue of the keys, in the order of their positions. When `ordered`, each batch answers successive positions. */
export function createBatchQueue(keys: readonly string[], ordered: boolean, pacer: ReadPacer): BatchQueue {
  const fresh = ordered ? splitInOrder(keys, pacer) : splitDistinct(keys, pacer);
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

/** Batches of keys that occur nowhere else: each key is read once, and answered at all its positions. */
function* splitDistinct(keys: readonly string[], pacer: ReadPacer): Generator<KeyBatch["keys"]> {
  if (new Set(keys).size === keys.length) {
    // Each position has a key of its own, as nearly always.
    yield* splitInOrder(keys, pacer);
    return;
  }
  // Positions of a key form a chain: a list for each of 100,000 keys would cost more than the keys.
  const first = new Map<string, number>();
  const next = new Int32Array(keys.length).fill(-1);
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] ?? "";
    next[index] = first.get(key) ?? -1;
    first.set(key, index);
  }
  let batch = new Map<string, Iterable<number>>();
  for (const [index, key] of keys.entries()) {
    if (first.get(key) !== index) {
      continue;
    }
    batch.set(key, { [Symbol.iterator]: () => walk(next, index) });
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
  for (let index = head; index !== -1; index = next[index] ?? -1) {
    yield index;
  }
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
