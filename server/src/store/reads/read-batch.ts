import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import { type AnswerRoom, NoRoomError } from "../dynamodb/answer-room.js";
import type { AnsweredItems } from "../dynamodb/answered-items.js";
import { pause, withRetries } from "../dynamodb/retry.js";
import type { ReadOptions } from "../layout/entry.js";
import { projection } from "../layout/item-layout.js";
import { maxItemBytes } from "../layout/item-size.js";
import type { StoreContext } from "../store-context.js";
import { BatchAnswer } from "./batch-answer.js";
import type { KeyBatch } from "./key-batches.js";
import type { ReadPacer } from "./read-pacer.js";

/** Consecutive times that DynamoDB may leave a whole batch unprocessed, before its keys are answered as throttled. */
const maxIdleRounds = 10;

/** An answer with this much in it may have been cut by its size: at 16 MB, or at 1 MB a partition. */
const fullAnswerBytes = 1_000_000;

/** An answer with this much in it was cut at 16 MB. */
const fullBatchBytes = 15_000_000;

/** Asks for a batch once. Throws when the signal aborts; every other failure is that of the keys. */
export async function readBatch(
  context: StoreContext,
  batch: KeyBatch,
  check: (key: string) => DynakvError | undefined,
  pacer: ReadPacer,
  options: ReadOptions,
  room: AnswerRoom,
): Promise<BatchAnswer> {
  const { layout, clock } = context;
  const answer = new BatchAnswer(layout, batch);
  /** The keys that are asked for, with their places in the batch. */
  const asked = new Map<string, number>();
  for (const [place, key] of batch.keys.entries()) {
    const refused = check(key);
    if (refused === undefined) {
      asked.set(key, place);
    } else {
      answer.fail(place, refused);
    }
  }
  if (asked.size === 0) {
    return answer;
  }
  if (batch.throttled) {
    await pause(batch.idleRounds + 1, options.signal);
  }
  const failAll = (places: Iterable<number>, error: DynakvError) => {
    for (const place of places) {
      answer.fail(place, error);
    }
    return answer;
  };
  let read: { items: AnsweredItems; unprocessed: readonly string[] } | NoRoomError;
  try {
    read = await requestBatch(context, [...asked.keys()], options, room);
  } catch (error) {
    if (options.signal.aborted || !(error instanceof DynakvError)) {
      throw error;
    }
    return failAll(asked.values(), error);
  }
  if (read instanceof NoRoomError) {
    // It is asked for again, in parts that there is room for.
    // One of DynamoDB's largest was cut, and tells nothing of the average.
    pacer.expect(read.bytes >= fullBatchBytes ? maxItemBytes : read.bytes / asked.size);
    for (const place of asked.values()) {
      answer.leave(place);
    }
    const places = [...asked.values()];
    answer.left = { ...pick(batch, places), idleRounds: batch.idleRounds, throttled: false };
    return answer;
  }
  const { items } = read;
  const unprocessed = read.unprocessed.flatMap((key) => asked.get(key) ?? []);
  const bytes = pacer.observe(items);
  const idleRounds = unprocessed.length < asked.size ? 0 : batch.idleRounds + 1;
  if (idleRounds >= maxIdleRounds) {
    return failAll(unprocessed, unprocessedError());
  }
  answer.bytes = bytes;
  answer.answer(items, clock());
  for (let item = 0; item < items.length; item++) {
    const place = asked.get(layout.keyAt(items, item));
    if (place !== undefined) {
      answer.found(place, item);
    }
  }
  if (unprocessed.length > 0) {
    for (const place of unprocessed) {
      answer.leave(place);
    }
    const places = unprocessed.sort((a, b) => a - b);
    answer.left = {
      ...pick(batch, places),
      idleRounds,
      // Keys left out of a full answer are requested at once; those left out of a smaller one were throttled.
      throttled: bytes < fullAnswerBytes,
    };
  }
  return answer;
}

function pick({ keys, positions }: KeyBatch, places: readonly number[]): Pick<KeyBatch, "keys" | "positions"> {
  return {
    keys: places.map((place) => keys[place] as string),
    positions: places.map((place) => positions[place] as KeyBatch["positions"][number]),
  };
}

async function requestBatch(
  { dynamodb, layout, budget }: StoreContext,
  keys: string[],
  { strong, signal }: ReadOptions,
  room: AnswerRoom,
): Promise<{ items: AnsweredItems; unprocessed: readonly string[] } | NoRoomError> {
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
    try {
      const { items, UnprocessedKeys } = await dynamodb.batchGetColumns(input, abortSignal, layout.columns, room);
      return { items, unprocessed: (UnprocessedKeys?.[table]?.Keys ?? []).map(layout.keyOf) };
    } catch (error) {
      if (error instanceof NoRoomError) {
        // Nothing is wrong with DynamoDB: it costs no budget of retries.
        return error;
      }
      throw error;
    }
  };
  return withRetries(send, { budget, signal, access: "read" });
}

function unprocessedError(): DynakvError {
  return new DynakvError(ErrorReason.THROTTLED, "DynamoDB kept returning the key as unprocessed", {
    retryAfterMs: 1000,
  });
}
