import type { Item } from "../dynamodb/item.js";
import { goneEntry } from "./dedup-state.js";
import type { TableNames } from "./table-names.js";
import { formatSeconds } from "./write-time.js";

/** What a Delete that can be repeated leaves. */
export interface Mark {
  /** That of its request id. */
  readonly nonce: string;
  /** Of the entry that it has removed. */
  readonly etag: string;
}

/**
 * The mark that an item has: in place of its etag where nothing else is left of an entry, or beside the increments that are remembered
 * of a counter. The same in expressions: {@link isMarked} and {@link isGone}.
 */
export function readMark(item: Item, names: TableNames): Mark | undefined {
  const { etagAttribute, requestsAttribute } = names;
  return parseMark(item[requestsAttribute]?.M?.[goneEntry]?.S ?? item[etagAttribute]?.S);
}

/** What an entry becomes that a Delete has removed under an id. It takes {@link markValues}. */
export const marking = { sets: ["#e = :mark", "#v = :empty", "#w = :written"], removes: ["#c", "#m", "#s"] } as const;

export function markValues(mark: Mark, nowMs: number): Item {
  // Celery's own Get raises a KeyError at an item that lacks result or timestamp, and takes an empty result for none.
  return { ":mark": { S: formatMark(mark) }, ":empty": { B: empty }, ":written": { N: formatSeconds(nowMs) } };
}

const empty = new Uint8Array();

/** True of an item with nothing but a mark, and of no other program's. */
const isMarked = "contains(#e, :separator) AND #v = :empty AND attribute_not_exists(#c) AND attribute_not_exists(#s)";

/** True of an item that stays for the increments that it remembers alone: its key was deleted, with a mark or without one. */
export const isGone = "attribute_exists(#s.#g)";

/** True of an item with nothing but a mark, whose Delete may still be repeated, or not any more. Both take {@link markedValues}. */
export const isRepeatableMark = `#x > :marked AND ${isMarked}`;
export const isUnrepeatableMark = `#x <= :marked AND ${isMarked}`;

/** The values that tell them apart: a Delete can be repeated if it came after the given time. */
export function markedValues(ms: number): Item {
  const second = Math.floor((ms - markAgeMs) / 1000);
  return { ":marked": { N: second.toString() }, ":separator": { S: separator }, ":empty": { B: empty } };
}

/** In no etag of an entry that dynakv has written. */
const separator = ":";

export function formatMark({ nonce, etag }: Mark): string {
  return `${nonce}${separator}${etag}`;
}

function parseMark(text: string | undefined): Mark | undefined {
  const at = text?.indexOf(separator) ?? -1;
  return text === undefined || at < 0 ? undefined : { nonce: text.slice(0, at), etag: text.slice(at + 1) };
}

/** For every replica an item with a mark has expired, whatever its clock, and for DynamoDB's TTL not too long ago to be removed. */
const markAgeMs = 86_400_000;

/** The expiry of an item with nothing but the mark of a Delete, in the past. */
export function markExpireAtMs(nowMs: number): number {
  return Math.floor(nowMs / 1000) * 1000 - markAgeMs;
}
