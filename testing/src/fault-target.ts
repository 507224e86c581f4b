import type { ProxiedRequest } from "@dynakv/server/faults";

/** Which requests to DynamoDB meet a fault. */
export interface FaultTarget {
  /**
   * `reads` are GetItem, BatchGetItem and Scan, `writes` PutItem, UpdateItem and DeleteItem; or one operation by its name. An Incr, and a
   * write under a condition, may read before it writes.
   */
  readonly of?: "reads" | "writes" | "all" | Operation;
  /** Only requests that name this key; the default is any. */
  readonly key?: string;
}

/** The operations of DynamoDB that calls are made of. */
export type Operation = "GetItem" | "BatchGetItem" | "Scan" | "PutItem" | "UpdateItem" | "DeleteItem";

const reads: readonly string[] = ["GetItem", "BatchGetItem", "Scan"];
const writes: readonly string[] = ["PutItem", "UpdateItem", "DeleteItem"];
const groups: Readonly<Record<string, readonly string[]>> = { reads, writes, all: [...reads, ...writes] };

/** The server reads it each second, to see whether DynamoDB is there. */
const probeKey = "dynakv:probe";

/** Returns what tells whether a request meets the fault. Throws a TypeError for a target that cannot be. */
export function createMatcher(
  { of, key }: FaultTarget,
  keyAttribute: string,
  fallback: "reads" | "writes" | "all",
): (request: ProxiedRequest) => boolean {
  const name = of ?? fallback;
  const operations = groups[name] ?? (groups.all?.includes(name) ? [name] : undefined);
  if (operations === undefined) {
    throw new TypeError(`of: takes reads, writes, all or one of ${groups.all?.join(", ")}, not ${name}`);
  }
  return (request) => {
    if (!operations.includes(request.operation)) {
      return false;
    }
    const keys = keysOf(request.body as RequestBody, keyAttribute);
    return keys.includes(key ?? "") || (key === undefined && !keys.includes(probeKey));
  };
}

interface RequestBody {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Item[] }>>;
}

type Item = Readonly<Record<string, { readonly S?: string } | undefined>>;

function keysOf({ Key, Item, RequestItems = {} }: RequestBody, keyAttribute: string): string[] {
  const items = [Key, Item, ...Object.values(RequestItems).flatMap(({ Keys = [] }) => Keys)];
  return items.flatMap((item) => item?.[keyAttribute]?.S ?? []);
}
