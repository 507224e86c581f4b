import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../errors.js";
import type { ReadOptions, StoredEntry } from "./entry.js";
import { type Item, projection } from "./item-layout.js";
import { createReadPacer, type ReadPacer } from "./read-pacer.js";
import { pause, withRetries } from "./retry.js";
import type { StoreContext } from "./store-context.js";

export interface ReadManyInput {
  readonly keys: readonly string[];
  /** Whether results come in the order of the keys, and not as they arrive. */
  readonly ordered: boolean;
  /** The error of a key that must not be asked for; undefined when it may. */
  readonly check: (key: string) => DynakvError | undefined;
}

/** The answer for one position. */
export interface ReadResult {
  readonly index: number;
  readonly key: string;
  readonly found: StoredEntry | DynakvError | undefined;
}

/** Distinct keys that are asked for together, and the positions that each answers. */
interface Batch {
  readonly positions: Map<string, number[]>;
  /** Positions whose key must not be asked for. */
  readonly refused: ReadResult[];
}

/** How often in a row DynamoDB may leave a whole batch unprocessed, before its keys are answered as throttled. */
const maxIdleRounds = 10;

/**
 * Reads any number of keys, a batch at a time, several at once, and answers each position exactly once. Batches are
 * started only as their predecessors are taken, so that a slow reader slows the reads and memory stays flat.
 */
export async function* readMany(
  context: StoreContext,
  input: ReadManyInput,
  options: ReadOptions,
): AsyncGenerator<ReadResult[]> {
  const pacer = createReadPacer(context.batchConcurrency);
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const batches = input.ordered ? splitInOrder(input, pacer) : splitDistinct(input, pacer);
  const running: Promise<Finished>[] = [];
  try {
    for (;;) {
      while (running.length < pacer.concurrency()) {
        const next = batches.next();
        if (next.done) {
          break;
        }
        running.push(track(readBatch(context, next.value, pacer, { ...options, signal })));
      }
      const oldest = running[0];
      if (oldest === undefined) {
        return;
      }
      const finished = await (input.ordered ? oldest : Promise.race(running));
      running.splice(running.indexOf(finished.promise), 1);
      yield finished.results();
    }
  } finally {
    left.abort();
  }
}

/** A batch that is done, in whichever way: its promise never rejects, so that none is left unhandled when the reader leaves. */
interface Finished {
  readonly promise: Promise<Finished>;
  readonly results: () => ReadResult[];
}

function track(work: Promise<ReadResult[]>): Promise<Finished> {
  const promise: Promise<Finished> = work.then(
    (results) => ({ promise, results: () => results }),
    (error: unknown) => ({
      promise,
      results: () => {
        throw error;
      },
    }),
  );
  return promise;
}

/** Batches of keys that occur nowhere else: each key is read once, and answered at all its positions. */
function* splitDistinct({ keys, check }: ReadManyInput, pacer: ReadPacer): Generator<Batch> {
  // Positions of a key form a chain: a list for each of 100,000 keys would cost more than the keys.
  const first = new Map<string, number>();
  const next = new Int32Array(keys.length).fill(-1);
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] ?? "";
    next[index] = first.get(key) ?? -1;
    first.set(key, index);
  }
  let batch = createBatch();
  for (const [head, key] of keys.entries()) {
    if (first.get(key) !== head) {
      continue;
    }
    const positions: number[] = [];
    for (let index = head; index !== -1; index = next[index] ?? -1) {
      positions.push(index);
    }
    addToBatch(batch, key, positions, check);
    if (batch.positions.size >= pacer.keysPerBatch() || batch.refused.length >= 100) {
      yield batch;
      batch = createBatch();
    }
  }
  if (batch.positions.size > 0 || batch.refused.length > 0) {
    yield batch;
  }
}

/**
 * Batches of successive positions. A key is read again when it returns in a later batch: to keep its value until then
 * would let memory grow with the request.
 */
function* splitInOrder({ keys, check }: ReadManyInput, pacer: ReadPacer): Generator<Batch> {
  for (let start = 0; start < keys.length; ) {
    const batch = createBatch();
    const end = Math.min(keys.length, start + pacer.keysPerBatch());
    for (let index = start; index < end; index++) {
      const key = keys[index] ?? "";
      const known = batch.positions.get(key);
      if (known === undefined) {
        addToBatch(batch, key, [index], check);
      } else {
        known.push(index);
      }
    }
    yield batch;
    start = end;
  }
}

function createBatch(): Batch {
  return { positions: new Map(), refused: [] };
}

function addToBatch(batch: Batch, key: string, positions: number[], check: ReadManyInput["check"]): void {
  const error = check(key);
  if (error === undefined) {
    batch.positions.set(key, positions);
  } else {
    batch.refused.push(...positions.map((index) => ({ index, key, found: error })));
  }
}

async function readBatch(
  context: StoreContext,
  batch: Batch,
  pacer: ReadPacer,
  options: ReadOptions,
): Promise<ReadResult[]> {
  const found = await readDistinct(context, [...batch.positions.keys()], pacer, options);
  const results = [...batch.refused];
  for (const [key, positions] of batch.positions) {
    const entry = found.get(key);
    for (const index of positions) {
      results.push({ index, key, found: entry });
    }
  }
  return results.sort((a, b) => a.index - b.index);
}

/** What each key holds; a key that is missing is not in the answer, one that could not be read is there with its error. */
async function readDistinct(
  context: StoreContext,
  keys: string[],
  pacer: ReadPacer,
  options: ReadOptions,
): Promise<Map<string, StoredEntry | DynakvError>> {
  const { layout, clock } = context;
  const found = new Map<string, StoredEntry | DynakvError>();
  let pending = keys;
  for (let idleRounds = 0; pending.length > 0; ) {
    let answer: { items: Item[]; unprocessed: string[] };
    try {
      answer = await requestBatch(context, pending, options);
    } catch (error) {
      if (options.signal.aborted || !(error instanceof DynakvError)) {
        throw error;
      }
      return failAll(found, pending, error);
    }
    const nowMs = clock();
    for (const item of answer.items) {
      const entry = decodeOrError(() => layout.decode(item, nowMs));
      if (entry !== undefined) {
        found.set(layout.keyOf(item), entry);
      }
    }
    pacer.observe(answer.items);
    // Leftovers of a large answer are asked for at once; when nothing at all was processed, the table is being throttled.
    idleRounds = answer.unprocessed.length < pending.length ? 0 : idleRounds + 1;
    pending = answer.unprocessed;
    if (idleRounds >= maxIdleRounds) {
      return failAll(found, pending, unprocessedError());
    }
    if (idleRounds > 0) {
      await pause(idleRounds, options.signal);
      if (options.signal.aborted) {
        throw abortError(options.signal.reason);
      }
    }
  }
  return found;
}

async function requestBatch(
  { client, layout, budget }: StoreContext,
  keys: string[],
  { strong, signal }: ReadOptions,
): Promise<{ items: Item[]; unprocessed: string[] }> {
  const { table } = layout.names;
  const command = new BatchGetItemCommand({
    RequestItems: {
      [table]: {
        Keys: keys.map(layout.key),
        ConsistentRead: strong,
        ProjectionExpression: projection,
        ExpressionAttributeNames: layout.namesFor(projection),
      },
    },
  });
  const send = async (abortSignal: AbortSignal) => {
    const { Responses, UnprocessedKeys } = await client.send(command, { abortSignal });
    if (Responses === undefined) {
      // DynamoDB always sends it. Taken for an empty answer, a broken one would make every key look missing.
      throw new Error("the answer to BatchGetItem has no Responses");
    }
    return {
      items: Responses[table] ?? [],
      unprocessed: (UnprocessedKeys?.[table]?.Keys ?? []).map(layout.keyOf),
    };
  };
  return withRetries(send, { budget, signal, access: "read" });
}

function decodeOrError(decode: () => StoredEntry | undefined): StoredEntry | DynakvError | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DynakvError) {
      return error;
    }
    throw error;
  }
}

function failAll(found: Map<string, StoredEntry | DynakvError>, keys: string[], error: DynakvError) {
  for (const key of keys) {
    found.set(key, error);
  }
  return found;
}

function unprocessedError(): DynakvError {
  return new DynakvError(ErrorReason.THROTTLED, "DynamoDB left the key unprocessed, time after time", {
    retryAfterMs: 1000,
  });
}
