import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { CallOptions, ReadOptions, StoredEntry } from "./entry.js";
import { type Item, projection } from "./item-layout.js";
import { withRetries } from "./retry.js";
import type { StoreContext } from "./store-context.js";

/** The entry at a key, or undefined when there is none or it has expired. */
export async function readEntry(
  context: StoreContext,
  key: string,
  options: ReadOptions,
): Promise<StoredEntry | undefined> {
  const item = await readItem(context, key, options);
  return context.layout.decode(item, context.clock());
}

/** The item at a key, expired or not. */
async function readItem(
  context: StoreContext,
  key: string,
  { strong, signal }: ReadOptions,
): Promise<Item | undefined> {
  const { client, layout, budget } = context;
  const command = new GetItemCommand({
    TableName: layout.names.table,
    Key: layout.key(key),
    ConsistentRead: strong,
    ProjectionExpression: projection,
    ExpressionAttributeNames: layout.namesFor(projection),
  });
  const answer = await withRetries((abortSignal) => client.send(command, { abortSignal }), {
    budget,
    signal,
    access: "read",
  });
  return answer.Item;
}

/** The item as the last acknowledged write left it: what a condition is explained by, and what a digest is taken of. */
export function readItemStrongly(
  context: StoreContext,
  key: string,
  { signal }: CallOptions,
): Promise<Item | undefined> {
  return readItem(context, key, { strong: true, signal });
}
