import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { DedupState } from "../layout/dedup-state.js";
import type { CallOptions, WriteCondition } from "../layout/entry.js";
import { isDigestEtag, splitEtag } from "../layout/etags.js";
import { readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";

/** A ConditionExpression with its values; the names are the layout's placeholders. */
export interface Expression {
  readonly expression: string;
  readonly values: Item;
}

// With few parentheses, for which the embedded engine's parser takes several times as long: in DynamoDB comparisons bind
// tighter than NOT, NOT tighter than AND, and AND tighter than OR.

/** True of an item whose second has come. An item without expiry, or with one that is not a number, compares false. */
export const isPastSecond = "#x <= :now";
// No exact expiry of ours lies at the beginning of a second, so that the lower bound may: it is never above the upper one.
const isPastWithinSecond = "#x = :next AND #y BETWEEN :start AND :moment";

// With deduplication state.
const isPastRemembering = "#s.#t <= :moment";

/** True of an item that has not expired. To be the last of several: the embedded engine is slow with parentheses before others. */
export const isLive = `NOT ${isPastSecond} AND NOT ${isPastRemembering} AND NOT (${isPastWithinSecond})`;

/** True of an item that has expired and of which the rest holds as well. */
export function isExpiredAnd(rest: string): string {
  return [isPastSecond, isPastRemembering, isPastWithinSecond].map((isPast) => `${isPast} AND ${rest}`).join(" OR ");
}

/** The value of `:now` in {@link isPastSecond}. */
export function secondValue(nowMs: number): Item {
  return { ":now": { N: Math.floor(nowMs / 1000).toString() } };
}

/** The condition that an entry expires before a time, and that the rest holds as well. */
export function expiresBeforeAnd(ms: number, rest: Expression): Expression {
  const time = Math.ceil(ms);
  const second = Math.ceil(time / 1000);
  return {
    expression:
      `#x < :soon AND ${rest.expression}` +
      ` OR #x = :soon AND #y BETWEEN :soon_start AND :soon_end AND ${rest.expression}`,
    values: {
      ...rest.values,
      ":soon": { N: second.toString() },
      ":soon_start": { N: ((second - 1) * 1000).toString() },
      ":soon_end": { N: (time - 1).toString() },
    },
  };
}

/** The same where increments are remembered, and another program may have set an earlier expiry. */
export function rememberedExpiresBeforeAnd(ms: number, rest: Expression): Expression {
  return {
    expression: `(#s.#t < :soon_ms OR #x < :soon) AND ${rest.expression}`,
    values: {
      ...rest.values,
      ":soon_ms": { N: Math.ceil(ms).toString() },
      ":soon": { N: (Math.ceil(ms) / 1000).toString() },
    },
  };
}

/** The values in {@link isLive} and {@link isExpiredAnd}. */
export function nowValues(nowMs: number): Item {
  const second = Math.floor(nowMs / 1000);
  return {
    ...secondValue(nowMs),
    ":next": { N: (second + 1).toString() },
    ":start": { N: (second * 1000).toString() },
    ":moment": { N: Math.floor(nowMs).toString() },
  };
}

/** True of an item that remembers no increments. */
export const forgettingGuard = "attribute_not_exists(#s)";

/**
 * Turns a condition into an expression that DynamoDB checks in the write itself. With `forgets` the write replaces or
 * removes the whole item, and must not meet one that remembers increments; without, it must not meet one that remembers
 * them for a deleted key.
 */
export async function toExpression(
  context: StoreContext,
  key: string,
  condition: WriteCondition | undefined,
  forgets: boolean,
  options: CallOptions,
): Promise<Expression> {
  const guard = forgets ? forgettingGuard : "attribute_not_exists(#s.#g)";
  if (condition === undefined) {
    return { expression: guard, values: {} };
  }
  const values = nowValues(context.clock());
  switch (condition.kind) {
    case "absent":
      return { expression: `attribute_not_exists(#k) OR ${isExpiredAnd(guard)}`, values };
    case "present":
      return { expression: `attribute_exists(#k) AND ${guard} AND ${isLive}`, values };
    case "etag": {
      const same = isDigestEtag(condition.etag)
        ? await digestExpression(context, key, condition.etag, options)
        : etagExpression(condition.etag);
      return { expression: `${same.expression} AND ${guard} AND ${isLive}`, values: { ...same.values, ...values } };
    }
  }
}

function etagExpression(etag: string): Expression {
  // An etag that nobody was given is equal to none: compared whole, it fails like one that is out of date.
  const { nonce, counter } = splitEtag(etag) ?? { nonce: etag, counter: undefined };
  const values = { ":etag": { S: nonce } };
  if (counter === undefined) {
    return { expression: "#e = :etag AND attribute_not_exists(#c)", values };
  }
  return { expression: "#e = :etag AND #c = :count", values: { ...values, ":count": { N: counter } } };
}

// DynamoDB cannot compare a digest. What it stands for is read first, and the write then demands exactly that state.
async function digestExpression(
  context: StoreContext,
  key: string,
  etag: string,
  options: CallOptions,
): Promise<Expression> {
  const item = await readItemStrongly(context, key, options);
  const condition = { kind: "etag", etag } as const;
  const seen = see(context, item);
  if (item === undefined || !holds(condition, seen)) {
    throw conditionError(condition, seen);
  }
  const same = context.layout.sameItem(item);
  return { expression: `attribute_exists(#k) AND ${same.expression}`, values: same.values };
}

export interface Existing {
  /** True if the item is an entry, and not one that was deleted or has expired. */
  readonly exists: boolean;
  /** The etag of the entry; undefined without one, and for an item of another program that is no entry. */
  readonly etag: string | undefined;
}

/** An item on which a write was refused. */
export interface Seen extends Existing {
  readonly item: Item | undefined;
  readonly memory: DedupState | undefined;
}

export function see({ layout, clock }: StoreContext, item: Item | undefined): Seen {
  const memory = item === undefined ? undefined : layout.memory(item);
  try {
    const entry = layout.decode(item, clock());
    return { item, memory, exists: entry !== undefined, etag: entry?.etag };
  } catch (error) {
    if (error instanceof DynakvError) {
      return { item, memory, exists: true, etag: undefined };
    }
    throw error;
  }
}

export function holds(condition: WriteCondition | undefined, { exists, etag }: Existing): boolean {
  switch (condition?.kind) {
    case undefined:
      return true;
    case "absent":
      return !exists;
    case "present":
      return exists;
    case "etag":
      return etag === condition.etag;
  }
}

/** The error of a condition that does not hold, with the etag that the key has instead. */
export function conditionError(condition: WriteCondition, { exists, etag }: Existing): DynakvError {
  const details = { outcome: Outcome.NOT_APPLIED, currentEtag: etag };
  switch (condition.kind) {
    case "absent":
      return new DynakvError(ErrorReason.ALREADY_EXISTS, "the key already holds an entry", details);
    case "present":
      return new DynakvError(ErrorReason.NOT_PRESENT, "the key holds no entry", details);
    case "etag":
      return new DynakvError(
        ErrorReason.ETAG_MISMATCH,
        exists ? "etag mismatch: the entry has another etag" : "the key holds no entry",
        details,
      );
  }
}
