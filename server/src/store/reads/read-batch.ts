import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import { pause, withRetries } from "../dynamodb/retry.js";
import type { ReadOptions, StoredEntry } from "../layout/entry.js";
import { projection } from "../layout/item-layout.js";
import type { StoreContext } from "../store-context.js";
import type { KeyBatch } from "./key-batches.js";
import type { ReadPacer } from "./read-pacer.js";

/** What a key holds, why it could not be read, or undefined when it is missing. */
export type Found = StoredEntry | DynakvError | undefined;

/** What one answer of DynamoDB's says about a batch. */
export interface BatchAnswer {
  /** The keys that are answered. */
  readonly answered: ReadonlyMap<string, Found>;
  /** The keys that are to be asked for again; undefined when there are none. */
  readonly left: KeyBatch | undefined;
  /** How many bytes of items there were. */
  readonly bytes: number;
}

/** How often in a row DynamoDB may leave a whole batch unprocessed, before its keys are answered as throttled. */
const maxIdleRounds = 10;

/** An answer with this much in it may have been cut by its size: at 16 MB, or at 1 MB a partition. */
const fullAnswerBytes = 1_000_000;

/** Asks for a batch once. Throws when the signal aborts; every other failure is that of the keys. */
export async function readBatch(
  context: StoreContext,
  batch: KeyBatch,
  check: (key: string) => DynakvError | undefined,
  pacer: ReadPacer,
  options: ReadOptions,
): Promise<BatchAnswer> {
  const answered = new Map<string, Found>();
  const asked: string[] = [];
  for (const key of batch.keys.keys()) {
    const refused = check(key);
    if (refused === undefined) {
      asked.push(key);
    } else {
      answered.set(key, refused);
    }
  }
  const failAll = (keys: Iterable<string>, error: DynakvError): BatchAnswer => {
    for (const key of keys) {
      answered.set(key, error);
    }
    return { answered, left: undefined, bytes: 0 };
  };
  if (asked.length === 0) {
    return { answered, left: undefined, bytes: 0 };
  }
  if (batch.throttled) {
    await pause(batch.idleRounds + 1, options.signal);
  }
  let answer: { items: Item[]; unprocessed: Set<string> };
  try {
    answer = await requestBatch(context, asked, options);
  } catch (error) {
    if (options.signal.aborted || !(error instanceof DynakvError)) {
      throw error;
    }
    return failAll(asked, error);
  }
  const { items, unprocessed } = answer;
  const bytes = pacer.observe(items);
  const idleRounds = unprocessed.size < asked.length ? 0 : batch.idleRounds + 1;
  if (idleRounds >= maxIdleRounds) {
    return failAll(unprocessed, unprocessedError());
  }
  const found = decodeAll(context, items);
  for (const key of asked) {
    if (!unprocessed.has(key)) {
      answered.set(key, found.get(key));
    }
  }
  const leftKeys = [...batch.keys].filter(([key]) => unprocessed.has(key));
  // What an answer had no room for is asked for at once. What is left of a smaller one was throttled.
  const left = { keys: new Map(leftKeys), idleRounds, throttled: bytes < fullAnswerBytes };
  return { answered, left: leftKeys.length > 0 ? left : undefined, bytes };
}

async function requestBatch(
  { dynamodb, layout, budget }: StoreContext,
  keys: string[],
  { strong, signal }: ReadOptions,
): Promise<{ items: Item[]; unprocessed: Set<string> }> {
  const { table } = layout.names;
  const input = {
    RequestItems: {
      [table]: {
        Keys: keys.map(layout.key),
        ConsistentRead: strong,
        ProjectionExpression: projection,
        ExpressionAttributeNames: layout.namesFor(projection),
      },
    },
  };
  const send = async (abortSignal: AbortSignal) => {
    const { Responses, UnprocessedKeys } = await dynamodb.batchGetItem(input, abortSignal);
    const items = Responses?.[table];
    if (items === undefined) {
      // DynamoDB always sends it. Taken for an empty answer, a broken one would make every key look missing.
      throw new Error("the answer to BatchGetItem has no responses for the table");
    }
    return {
      items,
      unprocessed: new Set((UnprocessedKeys?.[table]?.Keys ?? []).map(layout.keyOf)),
    };
  };
  return withRetries(send, { budget, signal, access: "read" });
}

function decodeAll(context: StoreContext, items: Item[]): Map<string, Found> {
  const nowMs = context.clock();
  return new Map(items.map((item) => [context.layout.keyOf(item), decodeFound(context, item, nowMs)]));
}

/** What an item holds, or why it cannot be read. */
export function decodeFound({ layout }: Pick<StoreContext, "layout">, item: Item, nowMs: number): Found {
  try {
    return layout.decode(item, nowMs);
  } catch (error) {
    if (error instanceof DynakvError) {
      return error;
    }
    throw error;
  }
}

function unprocessedError(): DynakvError {
  return new DynakvError(ErrorReason.THROTTLED, "DynamoDB left the key unprocessed, time after time", {
    retryAfterMs: 1000,
  });
}
