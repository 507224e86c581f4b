import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { int64 } from "../../../../common/int64.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { AnsweredItems, Column } from "../dynamodb/answered-items.js";
import type { Item } from "../dynamodb/item.js";
import { type DedupState, expiresEntry, goneEntry, readDedupState } from "./dedup-state.js";
import type { StoredEntry } from "./entry.js";
import type { EntryView } from "./entry-view.js";
import { counterEtag, digestPrefix } from "./etags.js";
import { isExpired, isWithinSecond, parseExpiry, secondOf } from "./expiry.js";
import { numberBytes, valueBytes } from "./item-size.js";
import { type Mark, readMark } from "./marks.js";
import { type CountedMembers, readMembers } from "./members.js";
import { isArchiveKey } from "./request-archive.js";
import type { TableNames } from "./table-names.js";
import { formatSeconds, parseInstant, readInstant } from "./write-time.js";

/** Fields common to written values and counters. */
export interface WrittenEntry {
  readonly key: string;
  readonly data: StoredEntry["data"];
  readonly nowMs: number;
  readonly expireAtMs: number | undefined;
  readonly nonce: string;
  /** Deduplication state written with a counter. With an expiry it holds that. */
  readonly memory?: AttributeValue;
  /** The epoch millisecond until which the item stays for that; undefined without an expiry. */
  readonly keptUntilMs?: number | undefined;
  /** The member that a counter has counted with it. */
  readonly member?: Uint8Array | undefined;
}

/**
 * The one module that knows how an entry lies in an item. Expressions elsewhere speak in its placeholders:
 * `#k` key, `#v` value, `#c` counter, `#w` write time, `#x` expiry, `#y` its millisecond, `#e` etag, `#m` the members that a
 * counter has counted, `#s` what is remembered of requests (see dedup-state.ts) and in it `#s.#g`, which marks a key that was
 * deleted. An archive item (see request-archive.ts) has `#k`, `#x`, and in `#s` a set of what was moved to it.
 *
 * A Delete that can be repeated leaves its mark: in `#e` of an expired item with an empty `#v` (see marks.ts), or in `#s.#g`.
 *
 * Where increments are remembered, `#s.#t` is the millisecond from which the entry is gone, and `#x` lies two windows later, so
 * that DynamoDB's TTL leaves them. An entry is gone when either has passed, so that another program may set an earlier `#x`.
 *
 * `#x` holds whole seconds, as DynamoDB's TTL and Celery have it. `#y` stands beside it only where an entry expires within a
 * second, and counts only as long as `#x` is that millisecond rounded up: else another program has changed `#x` since.
 */
export interface ItemLayout {
  readonly names: TableNames;
  /** The primary key of an item. */
  key(key: string): Item;
  /** The key of an item that DynamoDB returned. */
  keyOf(item: Item): string;
  encode(entry: WrittenEntry): Item;
  /** The epoch millisecond from which the item is expired; undefined when it never is. */
  expireAtMs(item: Item): number | undefined;
  /** The counter of an item; undefined when it has none that fits into int64. */
  counter(item: Item): bigint | undefined;
  /** Deduplication state of an item; undefined when it has no attribute for it. */
  memory(item: Item): DedupState | undefined;
  /** Number of its entries, without reading them. */
  memoryEntries(item: Item): number;
  /** Slots of an archive item. */
  archived(item: Item): readonly Uint8Array[];
  /** The members that a counter has counted. */
  members(item: Item): CountedMembers;
  /**
   * The entry in an item, or undefined when it was deleted or has expired, or is one of the archive. Throws UNREADABLE_ITEM when
   * it holds neither kind.
   */
  decode(item: Item | undefined, nowMs: number): StoredEntry | undefined;
  /** Columns of an ordinary item. */
  readonly columns: readonly Column[];
  /** The key of an item that was read with {@link columns}. */
  keyAt(items: AnsweredItems, index: number): string;
  /**
   * The same as {@link decode}, of an item that was read with {@link columns}, without an object for it: false where it takes one,
   * since the item is not ordinary, or is no value that dynakv has written.
   */
  view(items: AnsweredItems, index: number, nowMs: number, view: EntryView): boolean;
  /** The bytes of the item that {@link encode} makes, at most, without those of the value itself. */
  overheadBytes(entry: WrittenEntry): number;
  /**
   * The bytes that an item's deduplication state takes in it, at most, when its key is not marked as deleted, and with an entry's
   * expiry.
   */
  memoryBytes(item: Item, expireAtMs: number | undefined): number;
  /**
   * ExpressionAttributeNames for the layout's placeholders in the given expressions, and for no others: DynamoDB refuses
   * unused ones.
   */
  namesFor(...expressions: (string | undefined)[]): Record<string, string>;
  /** The etag that an item's own attributes tell; undefined when dynakv has not written it. */
  writtenEtag(item: Item): string | undefined;
  /** The mark of the Delete that has left an item: see marks.ts; undefined for an entry. */
  mark(item: Item): Mark | undefined;
  /** The condition that nobody has written an item since it was as given, if it remembers requests. */
  sameVersion(item: Item): { expression: string; values: Item };
  /** The condition that an item expires as the one given does. */
  sameExpiry(item: Item): { expression: string; values: Item };
  /** The condition that an item is, attribute by attribute, the one given: for items whose etag is a digest of them. */
  sameItem(item: Item): { expression: string; values: Item };
}

/** The places of the columns in {@link ItemLayout.columns}. */
const column = { key: 0, value: 1, writeTime: 2, expiry: 3, exactExpiry: 4, etag: 5 } as const;

/** ProjectionExpression of reads. */
export const projection = "#k, #v, #c, #w, #x, #y, #e, #s.#g, #s.#t";
/** ProjectionExpression for {@link ItemLayout.sameVersion}. */
export const versionProjection = "#k, #c, #e, #s";
/** ProjectionExpression for writes. */
export const wholeProjection = "#k, #v, #c, #w, #x, #y, #e, #m, #s";

export function createItemLayout(names: TableNames): ItemLayout {
  const placeholders: Record<string, string> = {
    "#k": names.keyAttribute,
    "#v": names.valueAttribute,
    "#c": names.counterAttribute,
    "#w": names.writeTimeAttribute,
    "#x": names.expiryAttribute,
    "#y": names.exactExpiryAttribute,
    "#e": names.etagAttribute,
    "#m": names.membersAttribute,
    "#s": names.requestsAttribute,
    "#g": goneEntry,
    "#t": expiresEntry,
  };

  function memory(item: Item): DedupState | undefined {
    return readDedupState(item[names.requestsAttribute]);
  }

  function expireAtMs(item: Item): number | undefined {
    const told = parseExpiry(item[names.expiryAttribute]?.N, item[names.exactExpiryAttribute]?.N);
    const text = item[names.requestsAttribute]?.M?.[expiresEntry]?.N;
    return text === undefined ? told : Math.min(Number(text), told ?? Number.POSITIVE_INFINITY);
  }

  function counter(item: Item): bigint | undefined {
    return parseCounter(item[names.counterAttribute]?.N);
  }

  function data(item: Item): StoredEntry["data"] {
    const value = item[names.valueAttribute]?.B;
    if (value !== undefined) {
      return { kind: "value", value };
    }
    const count = counter(item);
    if (count !== undefined && item[names.valueAttribute] === undefined) {
      return { kind: "counter", counter: count };
    }
    throw new DynakvError(
      ErrorReason.UNREADABLE_ITEM,
      `the item at this key was not written by dynakv or Celery: it has neither binary '${names.valueAttribute}' nor int64 '${names.counterAttribute}'`,
    );
  }

  // Celery increments a counter and leaves our etag attribute as it is, so a counter's etag holds the count as well.
  function writtenEtag(item: Item): string | undefined {
    const nonce = item[names.etagAttribute]?.S;
    const count = item[names.valueAttribute] === undefined ? counter(item) : undefined;
    return nonce === undefined || count === undefined ? nonce : counterEtag(nonce, count);
  }

  // Items that Celery wrote have no etag attribute: their etag is a digest.
  function digestEtag(item: Item): string {
    const hash = createHash("sha256");
    for (const name of stateAttributes) {
      const attribute = item[name];
      hash.update(attribute === undefined ? "-" : (attribute.B ?? JSON.stringify(attribute)));
      hash.update("\0");
    }
    return digestPrefix + hash.digest("base64url").slice(0, 22);
  }

  const stateAttributes = [
    names.valueAttribute,
    names.counterAttribute,
    names.writeTimeAttribute,
    names.expiryAttribute,
  ] as const;

  const alwaysBytes =
    [names.keyAttribute, names.valueAttribute, names.writeTimeAttribute, names.etagAttribute].reduce(
      (bytes, name) => bytes + Buffer.byteLength(name),
      0,
    ) + numberBytes(longestTime);

  return {
    names,
    key: (key) => ({ [names.keyAttribute]: { S: key } }),
    keyOf: (item) => item[names.keyAttribute]?.S ?? "",
    encode(entry) {
      const { data, memory: remembered, member } = entry;
      const expireMs = entry.keptUntilMs ?? entry.expireAtMs;
      const item: Item = { [names.keyAttribute]: { S: entry.key } };
      if (data.kind === "value") {
        item[names.valueAttribute] = { B: data.value };
      } else {
        item[names.counterAttribute] = { N: data.counter.toString() };
      }
      item[names.writeTimeAttribute] = { N: formatSeconds(entry.nowMs) };
      if (expireMs !== undefined) {
        item[names.expiryAttribute] = { N: secondOf(expireMs) };
      }
      if (isWithinSecond(expireMs)) {
        item[names.exactExpiryAttribute] = { N: expireMs.toString() };
      }
      item[names.etagAttribute] = { S: entry.nonce };
      if (remembered !== undefined) {
        item[names.requestsAttribute] = remembered;
      }
      if (member !== undefined) {
        item[names.membersAttribute] = { BS: [member] };
      }
      return item;
    },
    expireAtMs,
    counter,
    memory,
    memoryEntries: (item) => Object.keys(item[names.requestsAttribute]?.M ?? {}).length,
    archived: (item) => item[names.requestsAttribute]?.BS ?? [],
    members: (item) => readMembers(item[names.membersAttribute]),
    decode(item, nowMs) {
      if (item === undefined || isArchiveKey(item[names.keyAttribute]?.S ?? "")) {
        return undefined;
      }
      const expires = expireAtMs(item);
      if (isExpired(expires, nowMs) || memory(item)?.gone === true) {
        return undefined;
      }
      const holds = data(item);
      return {
        data: holds,
        writeTime: parseInstant(item[names.writeTimeAttribute]?.N),
        expireAtMs: expires,
        etag: writtenEtag(item) ?? digestEtag(item),
      };
    },
    columns: [
      { name: names.keyAttribute, type: "S" },
      { name: names.valueAttribute, type: "B" },
      { name: names.writeTimeAttribute, type: "N" },
      { name: names.expiryAttribute, type: "N" },
      { name: names.exactExpiryAttribute, type: "N" },
      { name: names.etagAttribute, type: "S" },
    ],
    keyAt: (items, index) =>
      items.isOrdinary(index)
        ? (items.text(index, column.key) ?? "")
        : (items.item(index)[names.keyAttribute]?.S ?? ""),
    view(items, index, nowMs, view) {
      if (!items.isOrdinary(index)) {
        return false;
      }
      view.keyFrom = items.from(index, column.key);
      view.keyTo = items.to(index, column.key);
      view.valueFrom = items.from(index, column.value);
      view.valueTo = items.to(index, column.value);
      view.etagFrom = items.from(index, column.etag);
      view.etagTo = items.to(index, column.etag);
      view.expireAtMs = parseExpiry(items.text(index, column.expiry), items.text(index, column.exactExpiry));
      const hasAll = view.keyTo > view.keyFrom && view.valueFrom !== 0 && view.etagFrom !== 0;
      if (!hasAll || isArchiveKey(items.text(index, column.key) ?? "")) {
        return false;
      }
      view.isThere = !isExpired(view.expireAtMs, nowMs);
      readInstant(items.text(index, column.writeTime), view);
      return view.expireAtMs === undefined || Number.isFinite(view.expireAtMs);
    },
    // Numbers count at their longest. DynamoDB does not count the zeros at the end of one, and if they were left out here,
    // the largest value at a key would depend on the moment of the write.
    overheadBytes(entry) {
      const { expireAtMs } = entry;
      let bytes = alwaysBytes + Buffer.byteLength(entry.key) + Buffer.byteLength(entry.nonce);
      if (expireAtMs !== undefined) {
        bytes += Buffer.byteLength(names.expiryAttribute) + longestNumberBytes(secondOf(expireAtMs));
      }
      if (isWithinSecond(expireAtMs)) {
        bytes += Buffer.byteLength(names.exactExpiryAttribute) + longestNumberBytes(expireAtMs.toString());
      }
      return bytes;
    },
    memoryBytes(item, expireAtMs) {
      const { [goneEntry]: _, [expiresEntry]: __, ...entries } = item[names.requestsAttribute]?.M ?? {};
      const longest = expireAtMs?.toString().replace(/\d/g, "9");
      const expires = longest === undefined ? {} : { [expiresEntry]: { N: longest } };
      return Buffer.byteLength(names.requestsAttribute) + valueBytes({ M: { ...entries, ...expires } });
    },
    namesFor(...expressions) {
      const found: Record<string, string> = {};
      for (const expression of expressions) {
        for (const placeholder of expression?.match(/#[a-z]/g) ?? []) {
          const name = placeholders[placeholder];
          if (name !== undefined) {
            found[placeholder] = name;
          }
        }
      }
      return found;
    },
    writtenEtag,
    mark: (item) => readMark(item, names),
    sameVersion(item) {
      const same = sameAttributes(item, "attribute_exists(#s)", ["#e", "#c"]);
      // Of a deleted key nothing else is left that tells one deletion from the next.
      const gone = item[names.requestsAttribute]?.M?.[goneEntry];
      return gone === undefined
        ? same
        : { expression: `${same.expression} AND #s.#g = :same_g`, values: { ...same.values, ":same_g": gone } };
    },
    sameItem(item) {
      return sameAttributes(item, "attribute_not_exists(#e)", ["#v", "#c", "#w", "#x"]);
    },
    sameExpiry(item) {
      return sameAttributes(item, "attribute_exists(#k)", ["#x", "#y"]);
    },
  };

  function sameAttributes(item: Item, first: string, attributes: readonly string[]) {
    const terms = [first];
    const values: Item = {};
    for (const placeholder of attributes) {
      const attribute = item[placeholders[placeholder] ?? ""];
      if (attribute === undefined) {
        terms.push(`attribute_not_exists(${placeholder})`);
      } else {
        const value = placeholder.replace("#", ":same_");
        terms.push(`${placeholder} = ${value}`);
        values[value] = attribute;
      }
    }
    return { expression: terms.join(" AND "), values };
  }
}

/** Celery's float of epoch seconds, with the milliseconds that a clock here tells. */
const longestTime = "9999999999.999";

function longestNumberBytes(text: string): number {
  return numberBytes(text.replace(/\d/g, "9"));
}

/** The int64 in a number attribute; undefined for a fraction, or for one of DynamoDB's 38 digits that do not fit. */
function parseCounter(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) {
    return undefined;
  }
  const counter = BigInt(text);
  return counter >= int64.min && counter <= int64.max ? counter : undefined;
}
