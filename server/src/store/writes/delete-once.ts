import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { DynakvError } from "../../errors/dynakv-error.js";
import { forgettableFrom } from "../layout/dedup-state.js";
import type { CallOptions, WriteCondition } from "../layout/entry.js";
import { isDigestEtag } from "../layout/etags.js";
import { expiryUpdate, updateExpression } from "../layout/expiry.js";
import { formatMark, markExpireAtMs, marking, markValues } from "../layout/marks.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import { type DeleteResult, deleteEntry, tombstoneUpdate } from "./delete-entry.js";
import type { Expression } from "./write-condition.js";
import { conditionParameters } from "./write-parameters.js";

export interface DeleteOnceInput {
  readonly key: string;
  readonly condition: Extract<WriteCondition, { kind: "etag" }>;
  readonly id: RequestId;
}

/**
 * Removes an entry by its etag, so that a repetition of this very Delete, by anybody and through any replica, is known again: in place
 * of the entry its mark stays, in an item that counts as absent. docs/exactly-once.md.
 */
export async function deleteOnce(
  context: StoreContext,
  { key, condition, id }: DeleteOnceInput,
  options: CallOptions,
): Promise<DeleteResult> {
  const { dynamodb, layout, clock, requests } = context;
  // A digest can be that of several items, so that its mark would not tell which was removed.
  if (isDigestEtag(condition.etag)) {
    return deleteEntry(context, { key, condition, returnEntry: false }, options);
  }
  const mark = { nonce: nonceOf(id), etag: condition.etag };
  const replace = async (expression: Expression, abortSignal: AbortSignal): Promise<DeleteResult> => {
    const nowMs = clock();
    const expires = expiryUpdate(markExpireAtMs(nowMs));
    const clauses = updateExpression([...marking.sets, ...expires.sets], [...marking.removes, ...expires.removes]);
    const values = { ...markValues(mark, nowMs), ...expires.values };
    const request: UpdateItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      UpdateExpression: clauses,
      ...conditionParameters(context, expression, clauses, values),
    };
    await dynamodb.updateItem(request, abortSignal);
    return { existed: true };
  };
  const removed = writeConditionally<DeleteResult>(
    context,
    {
      key,
      condition,
      send: replace,
      sendRemembering: ({ memory }) =>
        memory === undefined || clock() >= forgettableFrom(memory, requests.windowMs)
          ? replace
          : async (expression, abortSignal) => {
              // A repetition may come for as long, however old the last increment is.
              const keptUntilMs = Math.max(forgettableFrom(memory, requests.windowMs), clock() + 2 * requests.windowMs);
              const hidden = tombstoneUpdate(context, key, { keptUntilMs, gone: formatMark(mark) }, expression);
              await dynamodb.updateItem(hidden, abortSignal);
              return { existed: true };
            },
      resultFrom(item) {
        const found = layout.mark(item);
        // Of all who want to remove the entry with this etag one can: if it was not this Delete, it never will be.
        return found?.etag === mark.etag ? { existed: found.nonce === mark.nonce } : undefined;
      },
      mayBeRepetition: true,
    },
    options,
  );
  return removed.catch((error: unknown) => {
    throw error instanceof DynakvError ? error.asRepeatable() : error;
  });
}
