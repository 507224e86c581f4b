import type { Item } from "../dynamodb/item.js";
import { type ConditionFailed, withRetries } from "../dynamodb/retry.js";
import type { CallOptions, ReadOptions, StoredEntry } from "../layout/entry.js";
import { projection, wholeProjection } from "../layout/item-layout.js";
import type { StoreContext } from "../store-context.js";

/** The entry at a key, or undefined when there is none or it has expired. */
export async function readEntry(
  context: StoreContext,
  key: string,
  options: ReadOptions,
): Promise<StoredEntry | undefined> {
  const item = await readItem(context, key, projection, options);
  return context.layout.decode(item, context.clock());
}

/** The item at a key, expired or not. */
async function readItem(
  context: StoreContext,
  key: string,
  attributes: string,
  { strong, signal }: ReadOptions,
): Promise<Item | undefined> {
  const { dynamodb, layout, budget } = context;
  const input = {
    TableName: layout.names.table,
    Key: layout.key(key),
    ConsistentRead: strong,
    ProjectionExpression: attributes,
    ExpressionAttributeNames: layout.namesFor(attributes),
  };
  const answer = await withRetries((abortSignal) => dynamodb.getItem(input, abortSignal), {
    budget,
    signal,
    access: "read",
  });
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
