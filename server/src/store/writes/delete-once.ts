import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { forgettableFrom } from "../layout/dedup-state.js";
import type { CallOptions, WriteCondition } from "../layout/entry.js";
import { isDigestEtag } from "../layout/etags.js";
import { expiryUpdate, updateExpression } from "../layout/expiry.js";
import { formatMark, markExpireAtMs } from "../layout/marks.js";
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
  // Celery's own readers fail at an item without a value.
  if (isDigestEtag(condition.etag)) {
    return deleteEntry(context, { key, condition, returnEntry: false }, options);
  }
  const mark = { nonce: nonceOf(id), etag: condition.etag };
  const replace = async (expression: Expression, abortSignal: AbortSignal): Promise<DeleteResult> => {
    const expires = expiryUpdate(markExpireAtMs(clock()));
    const clauses = updateExpression(
      ["#e = :mark", ...expires.sets],
      ["#v", "#c", "#w", "#m", "#s", ...expires.removes],
    );
    const request: UpdateItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      UpdateExpression: clauses,
      ...conditionParameters(context, expression, clauses, { ":mark": { S: formatMark(mark) }, ...expires.values }),
    };
    await dynamodb.updateItem(request, abortSignal);
    return { existed: true };
  };
  return writeConditionally<DeleteResult>(
    context,
    {
      key,
      condition,
      send: replace,
      sendRemembering: ({ memory }) =>
        memory === undefined || clock() >= forgettableFrom(memory, requests.windowMs)
          ? replace
          : async (expression, abortSignal) => {
              await dynamodb.updateItem(
                tombstoneUpdate(context, key, memory, formatMark(mark), expression),
                abortSignal,
              );
              return { existed: true };
            },
      resultFrom(item) {
        const found = layout.mark(item);
        if (found?.nonce === mark.nonce) {
          return { existed: true };
        }
        // Of all who want to remove the entry with this etag one can: this Delete has not, and never will.
        return found?.etag === mark.etag ? { existed: false } : undefined;
      },
      mayBeRepetition: true,
    },
    options,
  );
}
