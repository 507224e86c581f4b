import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import { type AnswerRoom, NoRoomError } from "../dynamodb/answer-room.js";
import type { Item } from "../dynamodb/item.js";
import { type ConditionFailed, withRetries } from "../dynamodb/retry.js";
import type { CallOptions, ReadOptions, StoredEntry } from "../layout/entry.js";
import { projection, wholeProjection } from "../layout/item-layout.js";
import type { StoreContext } from "../store-context.js";

/** Responses of this size arrive together with their head. */
const smallBytes = 65_536;

/** The entry at a key, or undefined when there is none or it has expired. */
export async function readEntry(
  context: StoreContext,
  key: string,
  options: ReadOptions,
): Promise<StoredEntry | undefined> {
  const { readRoom } = context;
  let held = 0;
  const room: AnswerRoom = {
    take(bytes) {
      if (bytes <= smallBytes) {
        return;
      }
      if (!readRoom.tryHold(bytes)) {
        throw new NoRoomError(bytes);
      }
      held += bytes;
    },
  };
  try {
    const item = await readItem(context, key, projection, options, room);
    return context.layout.decode(item, context.clock());
  } finally {
    readRoom.release(held);
  }
}

/** The item at a key, expired or not. */
async function readItem(
  context: StoreContext,
  key: string,
  attributes: string,
  { strong, signal }: ReadOptions,
  room?: AnswerRoom,
): Promise<Item | undefined> {
  const { dynamodb, layout, budget } = context;
  const input = {
    TableName: layout.names.table,
    Key: layout.key(key),
    ConsistentRead: strong,
    ProjectionExpression: attributes,
    ExpressionAttributeNames: layout.namesFor(attributes),
  };
  const send = async (abortSignal: AbortSignal) => {
    try {
      return await dynamodb.getItem(input, abortSignal, room);
    } catch (error) {
      if (error instanceof NoRoomError) {
        // Nothing is wrong with DynamoDB: it costs no budget of retries.
        return error;
      }
      throw error;
    }
  };
  const answer = await withRetries(send, { budget, signal, access: "read" });
  if (answer instanceof NoRoomError) {
    throw new DynakvError(ErrorReason.OVERLOADED, "the server has no room for the entry, which is large", {
      retryAfterMs: 1000,
    });
  }
  return answer.Item;
}

/** The whole item as the last acknowledged write left it. */
export function readItemStrongly(
  context: StoreContext,
  key: string,
  { signal }: CallOptions,
): Promise<Item | undefined> {
  return readItem(context, key, wholeProjection, { strong: true, signal });
}

/** The item on which a condition failed: DynamoDB returns it with the failure, other engines must be asked. */
export async function itemAfterFailure(
  context: StoreContext,
  key: string,
  { failure }: ConditionFailed,
  options: CallOptions,
): Promise<Item | undefined> {
  const { engine } = context;
  if (failure.item !== undefined) {
    engine.returnsOldItems = true;
    return failure.item;
  }
  return engine.returnsOldItems ? undefined : readItemStrongly(context, key, options);
}
