/** A list of keys or of writes for each table, as BatchGetItem and BatchWriteItem have it in RequestItems. */
type RequestItems = Record<string, unknown[] | { Keys: unknown[] }>;

/** A batch that is split into what goes on, and what comes back as unprocessed. */
export interface SplitBatch {
  /** The body of the request that goes on; undefined if nothing is left of it. */
  readonly request: Buffer | undefined;
  /** Adds what was cut off to the body of the engine's answer, or to none. */
  complete(answer?: Buffer): Buffer;
}

/** Cuts a share of its keys or writes off a batch, the last of them. Undefined if the body is none that the engine takes. */
export function splitBatch(operation: string, body: Buffer, share: number): SplitBatch | undefined {
  const request = parseBatch(body);
  if (request === undefined) {
    return undefined;
  }
  const items = request.RequestItems;
  const total = Object.values(items).reduce((sum, table) => sum + listOf(table).length, 0);
  let room = share === 1 ? 0 : Math.max(1, total - Math.ceil(total * share));
  const kept: RequestItems = {};
  const left: RequestItems = {};
  for (const [name, table] of Object.entries(items)) {
    const list = listOf(table);
    place(kept, name, table, list.slice(0, room));
    place(left, name, table, list.slice(room));
    room = Math.max(0, room - list.length);
  }
  return {
    request:
      Object.keys(kept).length === 0 ? undefined : Buffer.from(JSON.stringify({ ...request, RequestItems: kept })),
    complete(answer = Buffer.from("{}")) {
      const given = JSON.parse(answer.toString()) as Record<string, Record<string, object>>;
      const unprocessed = operation === "BatchGetItem" ? "UnprocessedKeys" : "UnprocessedItems";
      // DynamoDB lists each table that was asked for, also when none of its items is there.
      const none = Object.fromEntries(Object.keys(items).map((name) => [name, []]));
      return Buffer.from(
        JSON.stringify({
          ...given,
          ...(operation === "BatchGetItem" ? { Responses: { ...none, ...given.Responses } } : {}),
          [unprocessed]: merge((given[unprocessed] ?? {}) as RequestItems, left),
        }),
      );
    },
  };
}

function parseBatch(body: Buffer): { RequestItems: RequestItems } | undefined {
  try {
    const request = JSON.parse(body.toString()) as { RequestItems: RequestItems };
    const tables = Object.values(request.RequestItems);
    return tables.every((table) => Array.isArray(listOf(table))) ? request : undefined;
  } catch {
    return undefined;
  }
}

function listOf(table: RequestItems[string]): unknown[] {
  return Array.isArray(table) ? table : table.Keys;
}

/** Puts a list in the place of a table's own, with all that stands beside it; DynamoDB takes no empty list. */
function place(items: RequestItems, name: string, table: RequestItems[string], list: unknown[]): void {
  if (list.length > 0) {
    items[name] = Array.isArray(table) ? list : { ...table, Keys: list };
  }
}

/** Merges the engine's own unprocessed items with those that were cut off. */
function merge(ofEngine: RequestItems, cutOff: RequestItems): RequestItems {
  const merged: RequestItems = { ...ofEngine };
  for (const [name, table] of Object.entries(cutOff)) {
    const before = merged[name];
    place(merged, name, table, [...(before === undefined ? [] : listOf(before)), ...listOf(table)]);
  }
  return merged;
}
