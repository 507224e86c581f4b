import type { DynakvError } from "../../errors/dynakv-error.js";
import type { DataPlane } from "../dynamodb/data-plane.js";
import { passInitiators } from "../dynamodb/initiators.js";
import type { Item } from "../dynamodb/item.js";
import { withRetries } from "../dynamodb/retry.js";
import type { ReadOptions, StoredEntry } from "../layout/entry.js";
import { projection } from "../layout/item-layout.js";
import { archivePrefix } from "../layout/request-archive.js";
import type { StoreContext } from "../store-context.js";
import { decodeFound } from "./read-batch.js";
import { itemBytes } from "./read-pacer.js";

export interface ScanInput {
  /** What the keys begin with; empty for all keys. */
  readonly prefix: string;
  /** The key after which to go on; undefined to begin with the first. */
  readonly after: string | undefined;
}

/** A key that holds something, and what. */
export interface ScannedKey {
  readonly key: string;
  readonly found: StoredEntry | DynakvError;
}

/** What one answer of DynamoDB's has brought. */
export interface ScanPage {
  readonly keys: readonly ScannedKey[];
  /** The last key that was seen. A scan after it goes on with the next page. */
  readonly last: string;
}

/**
 * The most items to ask for at a time. DynamoDB ends an answer at 1 MB of items anyhow, which may be tens of thousands of small
 * ones: so many that decoding them would hold up the calls of others.
 */
const itemsPerPage = 500;

/** What is held for a page until its size is known: DynamoDB's limit of an answer, and what the items take beside their values. */
const maxPageBytes = 1_200_000;

const isNoArchive = "NOT begins_with(#k, :archive)";
const hasPrefix = "begins_with(#k, :prefix)";

/**
 * Reads the table once, page by page. While its reader is busy with one page the next is asked for, and none beyond it. A page
 * without any key that has the prefix is passed over.
 */
export async function* scanTable(
  context: StoreContext,
  { prefix, after }: ScanInput,
  { strong, signal: left }: ReadOptions,
): AsyncGenerator<ScanPage> {
  const { dynamodb, layout, budget, clock, readRoom } = context;
  const leave = new AbortController();
  const signal = AbortSignal.any([left, leave.signal]);
  passInitiators(left, signal);
  // With any other prefix than a beginning of theirs, no archive item is found.
  const mayBeArchive = archivePrefix.startsWith(prefix);
  const filters = [...(prefix === "" ? [] : [hasPrefix]), ...(mayBeArchive ? [isNoArchive] : [])];
  const input = {
    TableName: layout.names.table,
    ConsistentRead: strong,
    Limit: itemsPerPage,
    ProjectionExpression: projection,
    ExpressionAttributeNames: layout.namesFor(projection),
    FilterExpression: filters.join(" AND "),
    ExpressionAttributeValues: {
      ...(prefix === "" ? {} : { ":prefix": { S: prefix } }),
      ...(mayBeArchive ? { ":archive": { S: archivePrefix } } : {}),
    } satisfies Item,
  };

  function ask(from: Item | undefined): Promise<Answer> {
    const page = from === undefined ? input : { ...input, ExclusiveStartKey: from };
    return withRetries(async (abortSignal) => requireItems(await dynamodb.scan(page, abortSignal)), {
      budget,
      signal,
      access: "read",
    });
  }

  /** What is held for the page that is being read and for the one that was asked for. */
  let held = 0;
  async function holdPage(): Promise<void> {
    if (!readRoom.tryHold(maxPageBytes)) {
      await readRoom.hold(maxPageBytes, signal);
    }
    held += maxPageBytes;
  }
  function release(bytes: number): void {
    readRoom.release(bytes);
    held -= bytes;
  }

  try {
    await holdPage();
    let asked: Promise<Answer> | undefined = ask(after === undefined ? undefined : layout.key(after));
    while (asked !== undefined) {
      const { items, from }: Answer = await asked;
      const bytes = Math.min(
        maxPageBytes,
        items.reduce((sum, item) => sum + itemBytes(item), 0),
      );
      release(maxPageBytes - bytes);
      asked = undefined;
      if (from !== undefined && readRoom.tryHold(maxPageBytes)) {
        held += maxPageBytes;
        asked = ask(from);
        // Whoever reads this page may leave before the next one is awaited.
        asked.catch(() => {});
      }
      const last = items.at(-1);
      if (last !== undefined) {
        yield { keys: readKeys(context, items, clock()), last: layout.keyOf(last) };
      }
      release(bytes);
      if (from !== undefined && asked === undefined) {
        // There was no room for two.
        await holdPage();
        asked = ask(from);
      }
    }
  } finally {
    readRoom.release(held);
    leave.abort();
  }
}

/** What one answer has brought, and the key from which the next goes on; undefined for the last. */
interface Answer {
  readonly items: readonly Item[];
  readonly from: Item | undefined;
}

/** DynamoDB always sends items. Taken for none, those that a broken answer lacks would be left out. */
function requireItems({ Items, LastEvaluatedKey }: Awaited<ReturnType<DataPlane["scan"]>>): Answer {
  if (Items === undefined) {
    throw new Error("the answer to Scan has no items");
  }
  return { items: Items, from: LastEvaluatedKey };
}

/** Without those that have expired, and those that hold nothing for a reader. */
function readKeys(context: StoreContext, items: readonly Item[], nowMs: number): ScannedKey[] {
  const keys: ScannedKey[] = [];
  for (const item of items) {
    const found = decodeFound(context, item, nowMs);
    if (found !== undefined) {
      keys.push({ key: context.layout.keyOf(item), found });
    }
  }
  return keys;
}
