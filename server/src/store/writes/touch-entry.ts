import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, refusedFor } from "../../errors/dynakv-error.js";
import { classifyError } from "../dynamodb/aws-errors.js";
import type { Item } from "../dynamodb/item.js";
import { readFailed } from "../dynamodb/retry.js";
import type { CallOptions, ExpiryPolicy, ReadOptions, StoredEntry, WriteCondition } from "../layout/entry.js";
import { createNonce } from "../layout/etags.js";
import { expiryUpdate, rememberingExpiryUpdate, updateExpression } from "../layout/expiry.js";
import { createdExpireAtMs, type StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import { entryIn } from "./returned-entry.js";
import {
  conditionError,
  type Expression,
  expiresBeforeAnd,
  holds,
  rememberedExpiresBeforeAnd,
} from "./write-condition.js";
import { conditionParameters } from "./write-parameters.js";

export interface TouchInput {
  readonly key: string;
  readonly expiry: Exclude<ExpiryPolicy, { kind: "keep" }>;
  readonly condition: Exclude<WriteCondition, { kind: "absent" }> | undefined;
  readonly returnEntry: boolean;
  /** Leave an entry as it is that has so many milliseconds or more to live; undefined to change any. */
  readonly ifRemainingBelowMs: number | undefined;
}

export interface TouchResult {
  readonly etag: string;
  readonly expireAtMs: number | undefined;
  /** The current entry, if requested. */
  readonly entry?: StoredEntry | undefined;
  /** True if the entry was left as it is. */
  readonly isUnchanged: boolean;
}

/** Reads the entry of a key. */
type Read = (key: string, options: ReadOptions) => Promise<StoredEntry | undefined>;

/** Changes the expiry of an entry, by one UpdateItem. Undefined when the key holds none. */
export async function touchEntry(
  context: StoreContext,
  input: TouchInput,
  read: Read,
  options: CallOptions,
): Promise<TouchResult | undefined> {
  if (input.ifRemainingBelowMs !== undefined) {
    // A read costs a fraction of a write that is refused.
    const seen = await readBefore(input.key, read, options);
    if (seen !== "unreadable") {
      const { condition } = input;
      const state = { exists: seen !== undefined, etag: seen?.etag };
      if (condition !== undefined && !holds(condition, state)) {
        throw conditionError(condition, state);
      }
      if (seen === undefined || hasLongToLive(context, input, seen.expireAtMs)) {
        return seen && unchanged(input, seen);
      }
    }
  }
  try {
    return await changeExpiry(context, input, options);
  } catch (error) {
    if (input.condition === undefined && refusedFor(error, ErrorReason.NOT_PRESENT)) {
      return undefined;
    }
    throw error;
  }
}

/** Another program's item that is no entry can be touched, too: it is left to the write. */
async function readBefore(
  key: string,
  read: Read,
  { signal }: CallOptions,
): Promise<StoredEntry | "unreadable" | undefined> {
  try {
    return await read(key, { strong: true, signal });
  } catch (error) {
    if (error instanceof DynakvError && error.reason === ErrorReason.UNREADABLE_ITEM) {
      return "unreadable";
    }
    throw readFailed(error);
  }
}

function changeExpiry(context: StoreContext, input: TouchInput, options: CallOptions): Promise<TouchResult> {
  const { dynamodb, layout, clock, requests } = context;
  const { key, returnEntry, ifRemainingBelowMs } = input;
  const nonce = createNonce();
  const startedMs = clock();
  const resultFrom = (item: Item): TouchResult | undefined =>
    item[layout.names.etagAttribute]?.S === nonce
      ? {
          etag: layout.writtenEtag(item) ?? nonce,
          expireAtMs: layout.expireAtMs(item),
          entry: returnEntry ? entryIn(context, item, startedMs) : undefined,
          isUnchanged: false,
        }
      : undefined;
  // Counters with deduplication state keep their expiry elsewhere, which a condition can check but an update cannot.
  const update = async (
    { expression, values }: Expression,
    remembers: boolean,
    abortSignal: AbortSignal,
  ): Promise<TouchResult> => {
    const nowMs = clock();
    const expireAtMs = createdExpireAtMs(context, input.expiry, nowMs);
    const expires = remembers ? rememberingExpiryUpdate(expireAtMs, requests.windowMs) : expiryUpdate(expireAtMs);
    const clauses = updateExpression(["#e = :nonce", ...expires.sets], expires.removes);
    const guarded = {
      expression: `${remembers ? "attribute_exists(#s)" : "attribute_not_exists(#s)"} AND ${expression}`,
      values,
    };
    // Others may have touched it since it was read.
    const expiresBefore = remembers ? rememberedExpiresBeforeAnd : expiresBeforeAnd;
    const condition = ifRemainingBelowMs === undefined ? guarded : expiresBefore(nowMs + ifRemainingBelowMs, guarded);
    const request: UpdateItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      UpdateExpression: clauses,
      // The etag of a counter holds the count.
      ReturnValues: "ALL_NEW",
      ...conditionParameters(context, condition, clauses, { ":nonce": { S: nonce }, ...expires.values }),
    };
    const { Attributes = {} } = await dynamodb.updateItem(request, abortSignal);
    return resultFrom(Attributes) ?? { etag: nonce, expireAtMs, isUnchanged: false };
  };
  return writeConditionally<TouchResult>(
    context,
    {
      key,
      condition: input.condition ?? { kind: "present" },
      async send(expression, abortSignal) {
        try {
          return await update(expression, false, abortSignal);
        } catch (error) {
          if (!mayRemember(context, error)) {
            throw error;
          }
          return update(expression, true, abortSignal);
        }
      },
      resultFrom,
      unneededFor: ({ item, etag }) => {
        const expireAtMs = item && layout.expireAtMs(item);
        if (item === undefined || !hasLongToLive(context, input, expireAtMs)) {
          return undefined;
        }
        const entry = returnEntry ? entryIn(context, item, startedMs) : undefined;
        return { etag: etag ?? layout.writtenEtag(item) ?? "", expireAtMs, entry, isUnchanged: true };
      },
    },
    options,
  );
}

/** True if a write may have been refused since increments are remembered where it goes. */
function mayRemember({ layout }: StoreContext, error: unknown): boolean {
  const failure = classifyError(error);
  return (
    failure.kind === "condition-failed" && (failure.item === undefined || layout.memory(failure.item) !== undefined)
  );
}

function hasLongToLive(
  { clock }: StoreContext,
  { ifRemainingBelowMs }: TouchInput,
  expireAtMs: number | undefined,
): boolean {
  return ifRemainingBelowMs !== undefined && (expireAtMs === undefined || expireAtMs - clock() >= ifRemainingBelowMs);
}

function unchanged({ returnEntry }: TouchInput, entry: StoredEntry): TouchResult {
  const { etag, expireAtMs } = entry;
  return { etag, expireAtMs, entry: returnEntry ? entry : undefined, isUnchanged: true };
}
