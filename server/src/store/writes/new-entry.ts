import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { ExpiryPolicy, StoredEntry } from "../layout/entry.js";
import { createNonce } from "../layout/etags.js";
import type { WrittenEntry } from "../layout/item-layout.js";
import { maxItemBytes } from "../layout/item-size.js";
import { createdExpireAtMs, type StoreContext } from "../store-context.js";

/** What an entry is made of. */
export interface NewEntry {
  readonly key: string;
  readonly data: StoredEntry["data"];
  /** Undefined for the server's default. */
  readonly expiry: ExpiryPolicy | undefined;
}

/** An entry that is to be written now. Throws VALUE_TOO_LARGE where DynamoDB would not take it. */
export function newEntry(context: StoreContext, { key, data, expiry }: NewEntry): WrittenEntry {
  const nowMs = context.clock();
  const expireAtMs = createdExpireAtMs(context, expiry, nowMs);
  const entry: WrittenEntry = {
    key,
    data,
    nowMs,
    expireAtMs,
    nonce: createNonce(),
    // With room for what is to be remembered of increments, so that the first needs no request to make it.
    ...(data.kind === "counter" ? { memory: { M: {} } } : {}),
  };
  checkItemSize(context, entry, 0);
  return entry;
}

/** @param memoryBytes what the item remembers of increments to a counter that was there */
export function checkItemSize({ layout }: StoreContext, entry: WrittenEntry, memoryBytes: number): void {
  const { data } = entry;
  const limit = maxItemBytes - layout.overheadBytes(entry) - memoryBytes;
  if (data.kind === "value" && data.value.length > limit) {
    const memory = memoryBytes === 0 ? "" : `, and ${memoryBytes} bytes of recent increments`;
    throw new DynakvError(
      ErrorReason.VALUE_TOO_LARGE,
      `value: ${data.value.length} bytes do not fit: an item of DynamoDB holds ${maxItemBytes} bytes, key and attributes included${memory}, which leaves ${limit} for the value at this key`,
      { field: "value", outcome: Outcome.NOT_APPLIED },
    );
  }
}
