import { ownTurn } from "../../../../common/time-slices.js";
import type { AnsweredItems } from "../dynamodb/answered-items.js";
import type { DataPlane } from "../dynamodb/data-plane.js";
import { cancellableSignal } from "../dynamodb/initiators.js";
import type { Item } from "../dynamodb/item.js";
import { withRetries } from "../dynamodb/retry.js";
import type { ReadOptions } from "../layout/entry.js";
import type { EntryView } from "../layout/entry-view.js";
import { type ItemLayout, projection } from "../layout/item-layout.js";
import { archivePrefix } from "../layout/request-archive.js";
import type { StoreContext } from "../store-context.js";
import type { Found } from "./batch-answer.js";
import { decodeFound } from "./decode-found.js";

export interface ScanInput {
  /** Key prefix; empty for all keys. */
  readonly prefix: string;
  /** The key after which to go on; undefined to begin with the first. */
  readonly after: string | undefined;
}

/** A page of a scan. Entries are made of items only when they are asked for. */
export interface ScanPage {
  /** Items of the page; some are expired or tombstones. */
  readonly length: number;
  key(nth: number): string;
  /** The entry of an item; undefined when it holds none. */
  found(nth: number): Found;
  /** The same, without an object: false where it takes one. */
  view(nth: number, view: EntryView): boolean;
  /** Roughly how many bytes of values an item has. */
  valueBytes(nth: number): number;
  /** The body in which `view` finds things. */
  readonly body: Buffer;
  /** The last key that was seen. A scan after it goes on with the next page. */
  readonly last: string;
}

/**
 * The most items to ask for at a time. DynamoDB ends an answer at 1 MB of items anyhow, which may be tens of thousands of small
 * ones: so many that decoding them would hold up the calls of others.
 */
const itemsPerPage = 500;

/** Bytes accounted for a page until its size is known: DynamoDB's limit of an answer, and what the items take beside their values. */
const maxPageBytes = 1_200_000;

/** A page with fewer of them brings its reader little, who thereby slows it little: a scan for a rare prefix asks for one after another. */
const fewItems = 50;
/** Time that such a page takes of the processor, in milliseconds, when its answer comes. */
const fewItemsMs = 0.5;

const isNoArchive = "NOT begins_with(#k, :archive)";
const hasPrefix = "begins_with(#k, :prefix)";

/**
 * Reads the table once, page by page. While its reader is busy with one page the next is asked for, and none beyond it. A page
 * without any key that has the prefix is passed over.
 */
export async function* scanTable(
  context: StoreContext,
  { prefix, after }: ScanInput,
  { strong, signal: caller }: ReadOptions,
): AsyncGenerator<ScanPage> {
  const { dynamodb, layout, budget, clock, readRoom } = context;
  const { signal, leave } = cancellableSignal(caller);
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
    return withRetries((abortSignal) => dynamodb.scan(page, abortSignal, layout.columns), {
      budget,
      signal,
      access: "read",
    });
  }

  /** Bytes held for the current and the prefetched page. */
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
      const { items, LastEvaluatedKey: from }: Answer = await asked;
      const bytes = Math.min(maxPageBytes, items.totalBytes());
      release(maxPageBytes - bytes);
      asked = undefined;
      if (from !== undefined && items.length < fewItems) {
        await ownTurn(fewItemsMs);
      }
      if (from !== undefined && readRoom.tryHold(maxPageBytes)) {
        held += maxPageBytes;
        asked = ask(from);
        // The reader may leave before the next page is awaited.
        asked.catch(() => {});
      }
      if (items.length > 0) {
        yield toPage(layout, items, clock());
      }
      items.release();
      release(bytes);
      if (from !== undefined && asked === undefined) {
        // There was no room for two.
        await holdPage();
        asked = ask(from);
      }
    }
  } finally {
    readRoom.release(held);
    leave();
  }
}

type Answer = Awaited<ReturnType<DataPlane["scan"]>>;

export function toPage(layout: ItemLayout, items: AnsweredItems, nowMs: number): ScanPage {
  return {
    length: items.length,
    key: (nth) => layout.keyAt(items, nth),
    found: (nth) => decodeFound(layout, items.item(nth), nowMs),
    view: (nth, view) => layout.view(items, nth, nowMs, view),
    valueBytes: (nth) => items.bytes(nth),
    body: items.body,
    last: layout.keyAt(items, items.length - 1),
  };
}
