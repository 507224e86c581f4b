import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors.js";
import type { CallOptions, StoredEntry, WriteCondition } from "./entry.js";
import { currentSecond, type Item, isDigestEtag, splitEtag } from "./item-layout.js";
import { readItemStrongly } from "./read-entry.js";
import type { ConditionFailed } from "./retry.js";
import type { StoreContext } from "./store-context.js";

/** A ConditionExpression with its values; the names are the layout's placeholders. */
export interface Expression {
  readonly expression: string;
  readonly values: Item;
}

// Without parentheses, for which the embedded engine's parser takes several times as long: in DynamoDB comparisons bind
// tighter than NOT, NOT tighter than AND, and AND tighter than OR.

/** True of an item that has not expired. An item without expiry, or with one that is not a number, compares false. */
export const isLive = "NOT #x <= :now";
/** True where there is nothing, or only what has expired. To be used alone: it is an OR. */
export const isAbsent = "attribute_not_exists(#k) OR #x <= :now";

/** The value of `:now` in {@link isLive} and {@link isAbsent}. */
export function nowValue(nowMs: number): Item {
  return { ":now": { N: currentSecond(nowMs).toString() } };
}

/** Turns a condition into an expression that DynamoDB checks in the write itself. */
export async function toExpression(
  context: StoreContext,
  key: string,
  condition: WriteCondition,
  nowMs: number,
  options: CallOptions,
): Promise<Expression> {
  const now = nowValue(nowMs);
  switch (condition.kind) {
    case "absent":
      return { expression: isAbsent, values: now };
    case "present":
      return { expression: `attribute_exists(#k) AND ${isLive}`, values: now };
    case "etag":
      return isDigestEtag(condition.etag)
        ? digestExpression(context, key, condition.etag, nowMs, options)
        : etagExpression(condition.etag, now);
  }
}

function etagExpression(etag: string, now: Item): Expression {
  // An etag that nobody was given is equal to none: compared whole, it fails like one that is out of date.
  const { nonce, counter } = splitEtag(etag) ?? { nonce: etag, counter: undefined };
  const values = { ...now, ":etag": { S: nonce } };
  if (counter === undefined) {
    return { expression: `#e = :etag AND attribute_not_exists(#c) AND ${isLive}`, values };
  }
  return { expression: `#e = :etag AND #c = :count AND ${isLive}`, values: { ...values, ":count": { N: counter } } };
}

// DynamoDB cannot compare a digest. What it stands for is read first, and the write then demands exactly that state.
async function digestExpression(
  context: StoreContext,
  key: string,
  etag: string,
  nowMs: number,
  options: CallOptions,
): Promise<Expression> {
  const { layout } = context;
  const item = await readItemStrongly(context, key, options);
  const entry = layout.decode(item, nowMs);
  if (item === undefined || entry?.etag !== etag) {
    throw conditionError({ kind: "etag", etag }, entry);
  }
  const same = layout.sameItem(item);
  return {
    expression: `attribute_exists(#k) AND ${same.expression} AND ${isLive}`,
    values: { ...same.values, ...nowValue(nowMs) },
  };
}

/** The error of a condition that did not hold, with the etag that the key holds instead. */
export async function explainCondition(
  context: StoreContext,
  key: string,
  condition: WriteCondition,
  failed: ConditionFailed,
  options: CallOptions,
): Promise<DynakvError> {
  // if_present fails on nothing or on an expired entry: neither has an etag to tell.
  const current = condition.kind === "present" ? undefined : await currentEntry(context, key, failed, options);
  return conditionError(condition, current);
}

async function currentEntry(
  context: StoreContext,
  key: string,
  { failure }: ConditionFailed,
  options: CallOptions,
): Promise<StoredEntry | undefined> {
  try {
    const item = failure.item ?? (await readItemStrongly(context, key, options));
    return context.layout.decode(item, context.clock());
  } catch {
    // The condition has failed whatever this read says: the answer is then the same without the etag.
    return undefined;
  }
}

function conditionError(condition: WriteCondition, current: StoredEntry | undefined): DynakvError {
  const details = { outcome: Outcome.NOT_APPLIED, currentEtag: current?.etag };
  switch (condition.kind) {
    case "absent":
      return new DynakvError(ErrorReason.ALREADY_EXISTS, "the key already holds an entry", details);
    case "present":
      return new DynakvError(ErrorReason.NOT_PRESENT, "the key holds no entry", details);
    case "etag":
      return new DynakvError(
        ErrorReason.ETAG_MISMATCH,
        current === undefined ? "the key holds no entry" : "the entry has another etag",
        details,
      );
  }
}
