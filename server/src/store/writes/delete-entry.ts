import type { DeleteItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { type DedupState, forgettableFrom } from "../layout/dedup-state.js";
import type { CallOptions, StoredEntry, WriteCondition } from "../layout/entry.js";
import { createNonce } from "../layout/etags.js";
import { expiryUpdate, isExpired, updateExpression } from "../layout/expiry.js";
import type { StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import { entryIn, replacedEntry, requireItem, requireOld } from "./returned-entry.js";
import type { Expression } from "./write-condition.js";
import { conditionParameters } from "./write-parameters.js";

export interface DeleteInput {
  readonly key: string;
  readonly condition: WriteCondition | undefined;
  readonly returnEntry: boolean;
}

export interface DeleteResult {
  /** True if there was an entry, and not an expired one. */
  readonly existed: boolean;
  /** The removed entry, if requested. */
  readonly entry?: StoredEntry | undefined;
}

/** Removes whatever the key holds: ordinarily by one DeleteItem. */
export async function deleteEntry(
  context: StoreContext,
  input: DeleteInput,
  options: CallOptions,
): Promise<DeleteResult> {
  const { dynamodb, layout, clock } = context;
  const { key, condition, returnEntry } = input;
  const startedMs = clock();
  const remove = async (expression: Expression, abortSignal: AbortSignal): Promise<DeleteResult> => {
    const nowMs = clock();
    const request: DeleteItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      ReturnValues: "ALL_OLD",
      ...conditionParameters(context, expression),
    };
    const { Attributes: old } = await dynamodb.deleteItem(request, abortSignal);
    if (returnEntry) {
      requireOld(condition, old);
    }
    // A condition has told already, by the clock with which it was checked.
    const existed =
      condition === undefined
        ? old !== undefined && layout.memory(old)?.gone !== true && !isExpired(layout.expireAtMs(old), nowMs)
        : condition.kind !== "absent";
    return {
      existed,
      entry: returnEntry ? replacedEntry(context, condition, old, { startedMs, nowMs }) : undefined,
    };
  };
  const hide = (exists: boolean, memory: DedupState) => async (expression: Expression, abortSignal: AbortSignal) => {
    const keptUntilMs = forgettableFrom(memory, context.requests.windowMs);
    const hidden = tombstoneUpdate(context, key, { keptUntilMs, gone: createNonce() }, expression);
    const request: UpdateItemCommandInput = { ...hidden, ...(returnEntry ? { ReturnValues: "ALL_OLD" } : {}) };
    const { Attributes: old } = await dynamodb.updateItem(request, abortSignal);
    if (returnEntry) {
      requireItem(old);
    }
    return { existed: exists, entry: returnEntry && exists ? entryIn(context, old, startedMs) : undefined };
  };
  return writeConditionally<DeleteResult>(
    context,
    {
      key,
      condition,
      send: remove,
      // The tombstone does not identify its writer, so a lost answer cannot be recovered.
      sendRemembering: ({ exists, memory }, keeps) =>
        !keeps || memory === undefined ? remove : memory.gone ? async () => ({ existed: false }) : hide(exists, memory),
    },
    options,
  );
}

/** What is left of a counter. */
export interface Tombstone {
  /** At least until no increment of it can be repeated. */
  readonly keptUntilMs: number;
  /** Which deletion it was. */
  readonly gone: string;
}

/**
 * Leaves an item for what it remembers of the counter. An expired one is marked as well: a replica whose clock is behind would find it
 * alive after this.
 */
export function tombstoneUpdate(
  context: StoreContext,
  key: string,
  { keptUntilMs, gone }: Tombstone,
  condition: Expression,
): UpdateItemCommandInput {
  const { layout } = context;
  const until = expiryUpdate(Math.ceil(keptUntilMs / 1000) * 1000);
  const clauses = updateExpression(
    ["#s.#g = :gone", ...until.sets],
    ["#v", "#c", "#w", "#e", "#m", "#s.#t", ...until.removes],
  );
  return {
    TableName: layout.names.table,
    Key: layout.key(key),
    UpdateExpression: clauses,
    ...conditionParameters(context, condition, clauses, { ":gone": { S: gone }, ...until.values }),
  };
}
