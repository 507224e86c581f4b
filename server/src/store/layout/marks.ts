import type { Item } from "../dynamodb/item.js";
import { goneEntry } from "./dedup-state.js";
import type { TableNames } from "./table-names.js";

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
  const { valueAttribute, counterAttribute, etagAttribute, requestsAttribute } = names;
  const isEntry = item[valueAttribute] !== undefined || item[counterAttribute] !== undefined;
  return parseMark(item[requestsAttribute]?.M?.[goneEntry]?.S ?? (isEntry ? undefined : item[etagAttribute]?.S));
}

/** True of an item with nothing but a mark. */
const isMarked = "attribute_exists(#e) AND attribute_not_exists(#v) AND attribute_not_exists(#c)";

/** True of an item that stays for the increments that it remembers alone: its key was deleted, with a mark or without one. */
export const isGone = "attribute_exists(#s.#g)";

/** True of an item with nothing but a mark, whose Delete may still be repeated, or not any more. Both take {@link markedValue}. */
export const isRepeatableMark = `#x > :marked AND ${isMarked}`;
export const isUnrepeatableMark = `#x <= :marked AND ${isMarked}`;

/** The value that tells them apart: a Delete can be repeated if it came after the given time. */
export function markedValue(ms: number): Item {
  return { ":marked": { N: Math.floor((ms - markAgeMs) / 1000).toString() } };
}

export function formatMark({ nonce, etag }: Mark): string {
  return `${nonce}:${etag}`;
}

function parseMark(text: string | undefined): Mark | undefined {
  const [nonce = "", etag] = text?.split(":", 2) ?? [];
  return etag === undefined ? undefined : { nonce, etag };
}

/** For every replica an item with a mark has expired, whatever its clock, and for DynamoDB's TTL not too long ago to be removed. */
const markAgeMs = 86_400_000;

/** The expiry of an item with nothing but the mark of a Delete, in the past. */
export function markExpireAtMs(nowMs: number): number {
  return Math.floor(nowMs / 1000) * 1000 - markAgeMs;
}
