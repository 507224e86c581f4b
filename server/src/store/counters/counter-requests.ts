import type { PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { commonRange } from "../../../../common/batching/increment-queue.js";
import type { Item } from "../dynamodb/item.js";
import { type Doubt, withRetries } from "../dynamodb/retry.js";
import type { CallOptions, ExpiryPolicy } from "../layout/entry.js";
import { formatSeconds } from "../layout/item-layout.js";
import { maxMembers } from "../layout/members.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import { type Fence, firstMemory, slotExpressions } from "../layout/request-memory.js";
import { changedExpireAt, createdExpireAt, type StoreContext } from "../store-context.js";
import { isLive, nowValue } from "../writes/write-condition.js";
import { fullAtEntries } from "./trim-memory.js";

/** An increment, and the id under which it is remembered. */
export interface Increment {
  readonly key: string;
  readonly id: RequestId;
  readonly delta: bigint;
  /** Where a counter that is created starts, before delta is added. */
  readonly initial: bigint;
  /** The lowest and the highest value that the counter may take, within int64. */
  readonly min: bigint;
  readonly max: bigint;
  /** Undefined: keep the counter's expiry, and the server's default for one that is created. */
  readonly expiry: ExpiryPolicy | undefined;
  /** The hash of the member for whom it counts once; undefined when each counts. */
  readonly member: Uint8Array | undefined;
}

export interface TryOptions extends CallOptions {
  readonly doubt: Doubt;
}

/** How an increment of a counter that is there is guarded. */
export interface UpdateOptions extends TryOptions {
  readonly fence: Fence;
  /** Whether the item must not be full. */
  readonly needsRoom: boolean;
}

/**
 * Adds to a live counter, by one request that checks all there is to check. Several increments, each with an id of its own, none
 * with a member, and all with the first one's expiry, are applied in their order, or none of them is. Resolves with the item
 * after them.
 */
export async function updateCounter(
  context: StoreContext,
  increments: readonly [Increment, ...Increment[]],
  { fence, needsRoom, ...options }: UpdateOptions,
): Promise<Item> {
  const { layout, clock } = context;
  const [first] = increments;
  const last = increments.at(-1) ?? first;
  const { member } = first;
  const nowMs = clock();
  const expires = changedExpireAt(context, first.expiry, nowMs);
  const { low, high } = commonRange(increments) ?? { low: first.min - first.delta, high: first.max - first.delta };
  const slots = slotExpressions(
    increments.map(({ id }) => id),
    fence,
  );
  const condition =
    `attribute_not_exists(#v) AND attribute_type(#c, :number) AND #c BETWEEN :low AND :high AND ${isLive}` +
    ` AND attribute_type(#s, :map) AND ${slots.areNew}${needsRoom ? " AND size(#s) < :entries" : ""}` +
    (member === undefined ? "" : ` AND ${isNewMember}`);
  const sums: Item = {};
  let after = 0n;
  for (const [index, { delta }] of increments.entries()) {
    after += delta;
    sums[`:a${index}`] = { N: after.toString() };
  }
  const update =
    `SET #c = #c + :a${increments.length - 1}, #w = :written, #e = :etag` +
    `, ${slots.remember(increments.map((_, index) => `#c + :a${index}`))}${expiryClauses(expires)}` +
    (member === undefined ? "" : " ADD #m :members");
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(first.key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: { ...layout.namesFor(update, condition), ...slots.names },
    ExpressionAttributeValues: {
      ...nowValue(nowMs),
      ":number": { S: "N" },
      ":map": { S: "M" },
      ":low": { N: low.toString() },
      ":high": { N: high.toString() },
      ...sums,
      ...writeValues(last.id, nowMs),
      ...slots.values,
      ...(needsRoom ? { ":entries": { N: fullAtEntries.toString() } } : {}),
      ...(member === undefined ? {} : { ...memberValues(member), ":most": { N: maxMembers.toString() } }),
      ...expiryValues(expires),
    },
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  const { Attributes } = await sendUpdate(context, request, options);
  return Attributes ?? {};
}

const isNewMember = "NOT contains(#m, :member) AND (attribute_not_exists(#m) OR size(#m) < :most)";

function memberValues(member: Uint8Array): Item {
  return { ":member": { B: member }, ":members": { BS: [member] } };
}

/** Puts a new counter where the key holds nothing, or what has expired and remembers nothing. */
export async function createCounter(
  context: StoreContext,
  input: Increment,
  value: bigint,
  options: TryOptions,
): Promise<Item> {
  const { dynamodb, layout, clock, budget } = context;
  const nowMs = clock();
  const condition = "attribute_not_exists(#k) OR #x <= :now AND attribute_not_exists(#s)";
  const item = layout.encode({
    key: input.key,
    data: { kind: "counter", counter: value },
    nowMs,
    expireAt: createdExpireAt(context, input.expiry, nowMs),
    nonce: nonceOf(input.id),
    memory: firstMemory(input.id, value),
    member: input.member,
  });
  const request: PutItemCommandInput = {
    TableName: layout.names.table,
    Item: item,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(condition),
    ExpressionAttributeValues: nowValue(nowMs),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  await withRetries((signal) => dynamodb.putItem(request, signal), { ...options, budget, access: "fenced-write" });
  return item;
}

/** Starts a counter anew that has expired, or whose key was deleted, and keeps what the item remembers of requests. */
export async function restartCounter(
  context: StoreContext,
  input: Increment,
  value: bigint,
  from: "expired" | "gone",
  { fence, needsRoom, ...options }: UpdateOptions,
): Promise<Item> {
  const { layout, clock } = context;
  const { member } = input;
  const nowMs = clock();
  const expires = createdExpireAt(context, input.expiry, nowMs) ?? "never";
  const slots = slotExpressions([input.id], fence);
  const condition =
    (from === "gone" ? "attribute_exists(#s.#g)" : "attribute_exists(#s) AND #x <= :now") +
    ` AND ${slots.areNew}${needsRoom ? " AND size(#s) < :entries" : ""}`;
  const update =
    `SET #c = :value, #w = :written, #e = :etag, ${slots.remember([":value"])}` +
    (member === undefined ? "" : ", #m = :members") +
    expiryClauses(expires, member === undefined ? "#v, #s.#g, #m" : "#v, #s.#g");
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(input.key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: { ...layout.namesFor(update, condition), ...slots.names },
    ExpressionAttributeValues: {
      ...(from === "gone" ? {} : nowValue(nowMs)),
      ":value": { N: value.toString() },
      ...slots.values,
      ...(needsRoom ? { ":entries": { N: fullAtEntries.toString() } } : {}),
      ...(member === undefined ? {} : { ":members": { BS: [member] } }),
      ...writeValues(input.id, nowMs),
      ...expiryValues(expires),
    },
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  const { Attributes } = await sendUpdate(context, request, options);
  return Attributes ?? {};
}

/** Gives a counter that another program made the room in which increments are remembered. */
export async function adoptCounter(context: StoreContext, key: string, options: CallOptions): Promise<void> {
  const { layout } = context;
  const update = "SET #s = :nothing";
  const condition = "attribute_exists(#c) AND attribute_not_exists(#s)";
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(update, condition),
    ExpressionAttributeValues: { ":nothing": { M: {} } },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  await sendUpdate(context, request, { ...options, doubt: {} });
}

function sendUpdate(
  { dynamodb, budget }: StoreContext,
  request: UpdateItemCommandInput,
  options: TryOptions,
): Promise<{ Attributes?: Item | undefined }> {
  return withRetries((signal) => dynamodb.updateItem(request, signal), { ...options, budget, access: "fenced-write" });
}

function writeValues(id: RequestId, nowMs: number): Item {
  return { ":written": { N: formatSeconds(nowMs) }, ":etag": { S: nonceOf(id) } };
}

function expiryClauses(expires: number | "never" | undefined, removed?: string): string {
  const removes = [...(expires === "never" ? ["#x"] : []), ...(removed === undefined ? [] : [removed])];
  return (
    (typeof expires === "number" ? ", #x = :expires" : "") + (removes.length > 0 ? ` REMOVE ${removes.join(", ")}` : "")
  );
}

function expiryValues(expires: number | "never" | undefined): Item {
  return typeof expires === "number" ? { ":expires": { N: expires.toString() } } : {};
}
