import { DeleteItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors.js";
import type { CallOptions, ExpiryPolicy, WriteCondition } from "./entry.js";
import { createNonce, type ItemLayout, isExpired, type WrittenEntry } from "./item-layout.js";
import { maxItemBytes } from "./item-size.js";
import { ConditionFailed, withRetries } from "./retry.js";
import { defaultExpireAt, type StoreContext } from "./store-context.js";
import { type Expression, explainCondition, toExpression } from "./write-condition.js";

export interface SetInput {
  readonly key: string;
  readonly value: Uint8Array;
  /** Undefined for the server's default. */
  readonly expiry: Exclude<ExpiryPolicy, { kind: "keep" }> | undefined;
  readonly condition: WriteCondition | undefined;
}

export interface SetResult {
  readonly etag: string;
  readonly writtenAtMs: number;
  readonly expireAt: number | undefined;
}

/** Stores a value whole, by one PutItem. */
export async function setEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  const { client, layout, clock } = context;
  const nowMs = clock();
  const expireAt =
    input.expiry === undefined
      ? defaultExpireAt(context, nowMs)
      : input.expiry.kind === "at"
        ? input.expiry.second
        : undefined;
  const nonce = createNonce();
  const entry: WrittenEntry = {
    key: input.key,
    data: { kind: "value", value: input.value },
    nowMs,
    expireAt,
    nonce,
  };
  checkItemSize(layout.overheadBytes(entry), input.value.length);
  await writeConditionally(context, input, nowMs, options, (condition, abortSignal) =>
    client.send(
      new PutItemCommand({
        TableName: layout.names.table,
        Item: layout.encode(entry),
        ...conditionParameters(layout, condition),
      }),
      { abortSignal },
    ),
  );
  return { etag: nonce, writtenAtMs: nowMs, expireAt };
}

export interface DeleteInput {
  readonly key: string;
  readonly condition: WriteCondition | undefined;
}

/** Removes whatever the key holds, by one DeleteItem. True when that was an entry, and not an expired one. */
export async function deleteEntry(context: StoreContext, input: DeleteInput, options: CallOptions): Promise<boolean> {
  const { client, layout, clock } = context;
  const nowMs = clock();
  // Without a condition on expiry, so that an expired item leaves the table too; what the old item tells is enough.
  const { Attributes: old } = await writeConditionally(context, input, nowMs, options, (condition, abortSignal) =>
    client.send(
      new DeleteItemCommand({
        TableName: layout.names.table,
        Key: layout.key(input.key),
        ReturnValues: "ALL_OLD",
        ...conditionParameters(layout, condition),
      }),
      { abortSignal },
    ),
  );
  return old !== undefined && !isExpired(layout.expireAt(old), nowMs);
}

async function writeConditionally<T>(
  context: StoreContext,
  { key, condition }: DeleteInput,
  nowMs: number,
  options: CallOptions,
  send: (condition: Expression | undefined, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { budget } = context;
  const expression = await prepareCondition(context, key, condition, nowMs, options);
  try {
    return await withRetries((signal) => send(expression, signal), { ...options, budget, access: "write" });
  } catch (error) {
    if (error instanceof ConditionFailed && condition !== undefined) {
      throw await explainCondition(context, key, condition, error, options);
    }
    throw error;
  }
}

/** What fails here, such as the read that some etags need, fails before anything is written. */
async function prepareCondition(
  context: StoreContext,
  key: string,
  condition: WriteCondition | undefined,
  nowMs: number,
  options: CallOptions,
): Promise<Expression | undefined> {
  try {
    return condition === undefined ? undefined : await toExpression(context, key, condition, nowMs, options);
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
}

/** The parameters of a conditional write; none without a condition. */
function conditionParameters(layout: ItemLayout, condition: Expression | undefined) {
  return condition === undefined
    ? {}
    : ({
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: layout.namesFor(condition.expression),
        ExpressionAttributeValues: condition.values,
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      } as const);
}

function checkItemSize(overhead: number, valueBytes: number): void {
  const limit = maxItemBytes - overhead;
  if (valueBytes > limit) {
    throw new DynakvError(
      ErrorReason.VALUE_TOO_LARGE,
      `value: ${valueBytes} bytes do not fit: an item of DynamoDB holds ${maxItemBytes} bytes, key and attributes included, which leaves ${limit} for the value at this key`,
      { field: "value", outcome: Outcome.NOT_APPLIED },
    );
  }
}
