import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { StoredEntry, WriteCondition } from "../layout/entry.js";
import { decodeFound } from "../reads/decode-found.js";
import type { StoreContext } from "../store-context.js";

/** The entry in an item that a write has returned; undefined where it held none, or another program's item that is no entry. */
export function entryIn({ layout }: StoreContext, item: Item | undefined, nowMs: number): StoredEntry | undefined {
  const found = decodeFound(layout, item, nowMs);
  return found instanceof DynakvError ? undefined : found;
}

/**
 * The entry that a write replaced or removed, from the item that DynamoDB returned.
 *
 * @param startedMs when the write began: what a condition has found alive since was alive then
 * @param nowMs when the request was sent
 */
export function replacedEntry(
  context: StoreContext,
  condition: WriteCondition | undefined,
  old: Item | undefined,
  { startedMs, nowMs }: { startedMs: number; nowMs: number },
): StoredEntry | undefined {
  return condition?.kind === "absent" ? undefined : entryIn(context, old, condition === undefined ? nowMs : startedMs);
}

/**
 * Throws if a response lacks what it replaced, although its condition demands that there was something: then something on the way to
 * DynamoDB has answered in its place.
 */
export function requireOld(condition: WriteCondition | undefined, old: Item | undefined): void {
  if (condition !== undefined && condition.kind !== "absent") {
    requireItem(old);
  }
}

/** The same for a write that can only have been applied to an item. */
export function requireItem(old: Item | undefined): void {
  if (old === undefined) {
    throw new Error("the answer to a write on a condition has no item");
  }
}

/** The write is what the key holds, but DynamoDB's answer, which alone tells what was there before, was lost. */
export function previousUnknown(): DynakvError {
  return new DynakvError(
    ErrorReason.BACKEND_UNAVAILABLE,
    "the entry was stored, but DynamoDB's response was lost: the replaced entry is unknown",
    { outcome: Outcome.APPLIED },
  );
}
