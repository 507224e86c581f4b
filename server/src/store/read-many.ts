import { setMaxListeners } from "node:events";
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
type Batch = Map<string, Iterable<number>>;

/** A batch with what was found: a key that is missing is not in it, one that could not be read is there with its error. */
interface Answered {
  readonly batch: Batch;
  readonly found: Map<string, StoredEntry | DynakvError>;
}

/** Results are handed on in groups of this size at most: one key may be asked for at a million positions. */
const maxGroup = 200;

/** How often in a row DynamoDB may leave a whole batch unprocessed, before its keys are answered as throttled. */
const maxIdleRounds = 10;

/** An answer with this much in it may have been cut by its size: at 16 MB, or at 1 MB a partition. */
const fullAnswerBytes = 1_000_000;

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
  // Each batch that is under way listens to it.
  setMaxListeners(0, signal);
  const batches = input.ordered ? splitInOrder(input, pacer) : splitDistinct(input, pacer);
  const running: Promise<Finished>[] = [];
  try {
    for (;;) {
      while (running.length < pacer.concurrency()) {
        const next = batches.next();
        if (next.done) {
          break;
        }
        running.push(track(readBatch(context, next.value, input.check, pacer, { ...options, signal })));
      }
      const oldest = running[0];
      if (oldest === undefined) {
        return;
      }
      const finished = await (input.ordered ? oldest : Promise.race(running));
      running.splice(running.indexOf(finished.promise), 1);
      yield* toGroups(finished.answered(), input.ordered);
    }
  } finally {
    left.abort();
  }
}

/** A batch that is done, in whichever way: its promise never rejects, so that none is left unhandled when the reader leaves. */
interface Finished {
  readonly promise: Promise<Finished>;
  readonly answered: () => Answered;
}

function track(work: Promise<Answered>): Promise<Finished> {
  const promise: Promise<Finished> = work.then(
    (answered) => ({ promise, answered: () => answered }),
    (error: unknown) => ({
      promise,
      answered: () => {
        throw error;
      },
    }),
  );
  return promise;
}

function* toGroups({ batch, found }: Answered, ordered: boolean): Generator<ReadResult[]> {
  let group: ReadResult[] = [];
  for (const [key, positions] of batch) {
    for (const index of positions) {
      group.push({ index, key, found: found.get(key) });
      // In order, a batch is a hundred positions at most, and its duplicates must find their places first.
      if (group.length >= maxGroup && !ordered) {
        yield group;
        group = [];
      }
    }
  }
  if (group.length > 0) {
    yield ordered ? group.sort((a, b) => a.index - b.index) : group;
  }
}

/** Batches of keys that occur nowhere else: each key is read once, and answered at all its positions. */
function* splitDistinct({ keys }: ReadManyInput, pacer: ReadPacer): Generator<Batch> {
  // Positions of a key form a chain: a list for each of 100,000 keys would cost more than the keys.
  const first = new Map<string, number>();
  const next = new Int32Array(keys.length).fill(-1);
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] ?? "";
    next[index] = first.get(key) ?? -1;
    first.set(key, index);
  }
  let batch: Batch = new Map();
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
function* splitInOrder({ keys }: ReadManyInput, pacer: ReadPacer): Generator<Batch> {
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

async function readBatch(
  context: StoreContext,
  batch: Batch,
  check: ReadManyInput["check"],
  pacer: ReadPacer,
  options: ReadOptions,
): Promise<Answered> {
  const refused = new Map<string, DynakvError>();
  const allowed: string[] = [];
  for (const key of batch.keys()) {
    const error = check(key);
    if (error === undefined) {
      allowed.push(key);
    } else {
      refused.set(key, error);
    }
  }
  const found = await readDistinct(context, allowed, pacer, options);
  for (const [key, error] of refused) {
    found.set(key, error);
  }
  return { batch, found };
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
    const bytes = pacer.observe(answer.items);
    idleRounds = answer.unprocessed.length < pending.length ? 0 : idleRounds + 1;
    pending = answer.unprocessed;
    if (idleRounds >= maxIdleRounds) {
      return failAll(found, pending, unprocessedError());
    }
    // What an answer had no room for is asked for at once. What is left of a smaller one was throttled.
    if (pending.length > 0 && bytes < fullAnswerBytes) {
      await pause(idleRounds + 1, options.signal);
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
    const items = Responses?.[table];
    if (items === undefined) {
      // DynamoDB always sends it. Taken for an empty answer, a broken one would make every key look missing.
      throw new Error("the answer to BatchGetItem has no responses for the table");
    }
    return {
      items,
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
