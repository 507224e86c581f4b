import type { PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { commonRange } from "../../../../common/batching/increment-queue.js";
import type { Item } from "../dynamodb/item.js";
import { type UncertainOutcome, withRetries } from "../dynamodb/retry.js";
import { emptyMemory, type Fence, firstMemory, slotExpressions } from "../layout/dedup-state.js";
import type { CallOptions, ExpiryPolicy } from "../layout/entry.js";
import { expiryUpdate, keptUntil, rememberingExpiryUpdate, updateExpression } from "../layout/expiry.js";
import { isGone } from "../layout/marks.js";
import { maxMembers } from "../layout/members.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import { formatSeconds } from "../layout/write-time.js";
import { changedExpireAtMs, createdExpireAtMs, type StoreContext } from "../store-context.js";
import { isExpiredAnd, isLive, nowValues } from "../writes/write-condition.js";
import { fullAtEntries } from "./trim-memory.js";

/** An increment, and the id under which it is remembered. */
export interface Increment {
  readonly key: string;
  readonly id: RequestId;
  readonly delta: bigint;
  /** Initial value of a new counter, before delta is added. */
  readonly initial: bigint;
  /** The lowest and the highest value that the counter may take, within int64. */
  readonly min: bigint;
  readonly max: bigint;
  /** Undefined: keep the counter's expiry. */
  readonly expiry: ExpiryPolicy | undefined;
  /** That of a counter that is created or started anew; undefined for the other one, or the server's default. */
  readonly expiryIfCreated: ExpiryPolicy | undefined;
  /** The hash of the member for whom it counts once; undefined when each counts. */
  readonly member: Uint8Array | undefined;
}

export interface TryOptions extends CallOptions {
  readonly uncertain: UncertainOutcome;
}

/** The lowest and the highest counter to which something may be added. */
export interface CounterRange {
  readonly low: bigint;
  readonly high: bigint;
}

/** The way an increment of a counter that is there is guarded. */
export interface UpdateOptions extends TryOptions {
  readonly fence: Fence;
  /** True if the item must not be full. */
  readonly needsRoom: boolean;
  /** Undefined for what the bounds of the increments allow. */
  readonly range?: CounterRange | undefined;
}

/**
 * Adds to a live counter, by one request that checks all there is to check. Several increments, each with an id of its own, none
 * with a member, are applied in their order, or none of them is; the last one's expiry counts. Resolves with the item after them.
 */
export async function updateCounter(
  context: StoreContext,
  increments: readonly [Increment, ...Increment[]],
  { fence, needsRoom, range, ...options }: UpdateOptions,
): Promise<Item> {
  const { layout, clock } = context;
  const [first] = increments;
  const last = increments.at(-1) ?? first;
  const { member } = first;
  const nowMs = clock();
  const expires = expiryClauses(context, changedExpireAtMs(context, last.expiry, nowMs));
  const { low, high } = range ??
    commonRange(increments) ?? { low: first.min - first.delta, high: first.max - first.delta };
  const slots = slotExpressions(
    increments.map(({ id }) => id),
    fence,
  );
  const condition =
    `attribute_not_exists(#v) AND attribute_type(#c, :number) AND #c BETWEEN :low AND :high` +
    ` AND attribute_type(#s, :map) AND ${slots.areNew}${needsRoom ? " AND size(#s) < :entries" : ""}` +
    `${member === undefined ? "" : ` AND ${isNewMember}`} AND ${isLive}`;
  const sums: Item = {};
  let after = 0n;
  for (const [index, { delta }] of increments.entries()) {
    after += delta;
    sums[`:a${index}`] = { N: after.toString() };
  }
  const update =
    `SET #c = #c + :a${increments.length - 1}, #w = :written, #e = :etag` +
    `, ${slots.remember(increments.map((_, index) => `#c + :a${index}`))}` +
    expires.expression() +
    (member === undefined ? "" : " ADD #m :members");
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(first.key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: { ...layout.namesFor(update, condition), ...slots.names },
    ExpressionAttributeValues: {
      ...nowValues(nowMs),
      ":number": { S: "N" },
      ":map": { S: "M" },
      ":low": { N: low.toString() },
      ":high": { N: high.toString() },
      ...sums,
      ...writeValues(last.id, nowMs),
      ...slots.values,
      ...(needsRoom ? { ":entries": { N: fullAtEntries.toString() } } : {}),
      ...(member === undefined ? {} : { ...memberValues(member), ":most": { N: maxMembers.toString() } }),
      ...expires.values,
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

/** Puts a new counter where there is no entry, or what has expired and remembers nothing. */
export async function createCounter(
  context: StoreContext,
  input: Increment,
  value: bigint,
  options: TryOptions,
): Promise<Item> {
  const { dynamodb, layout, clock, budget, requests } = context;
  const nowMs = clock();
  const condition = `attribute_not_exists(#k) OR ${isExpiredAnd("attribute_not_exists(#s)")}`;
  const expireAtMs = createdExpireAtMs(context, input.expiryIfCreated ?? input.expiry, nowMs);
  const item = layout.encode({
    key: input.key,
    data: { kind: "counter", counter: value },
    nowMs,
    expireAtMs,
    keptUntilMs: expireAtMs && keptUntil(expireAtMs, requests.windowMs),
    nonce: nonceOf(input.id),
    memory: firstMemory(input.id, value, expireAtMs),
    member: input.member,
  });
  const request: PutItemCommandInput = {
    TableName: layout.names.table,
    Item: item,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(condition),
    ExpressionAttributeValues: nowValues(nowMs),
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
  const expires = expiryClauses(
    context,
    createdExpireAtMs(context, input.expiryIfCreated ?? input.expiry, nowMs) ?? "never",
  );
  const slots = slotExpressions([input.id], fence);
  const isUnseen = `${slots.areNew}${needsRoom ? " AND size(#s) < :entries" : ""}`;
  const condition =
    from === "gone" ? `${isGone} AND ${isUnseen}` : isExpiredAnd(`attribute_exists(#s) AND ${isUnseen}`);
  const update =
    `SET #c = :value, #w = :written, #e = :etag, ${slots.remember([":value"])}` +
    (member === undefined ? "" : ", #m = :members") +
    expires.expression("#v", "#s.#g", ...(member === undefined ? ["#m"] : []));
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(input.key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: { ...layout.namesFor(update, condition), ...slots.names },
    ExpressionAttributeValues: {
      ...(from === "gone" ? {} : nowValues(nowMs)),
      ":value": { N: value.toString() },
      ...slots.values,
      ...(needsRoom ? { ":entries": { N: fullAtEntries.toString() } } : {}),
      ...(member === undefined ? {} : { ":members": { BS: [member] } }),
      ...writeValues(input.id, nowMs),
      ...expires.values,
    },
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  const { Attributes } = await sendUpdate(context, request, options);
  return Attributes ?? {};
}

/** Gives a counter that another program made the room in which increments are remembered. */
export async function adoptCounter(
  context: StoreContext,
  key: string,
  seen: Item,
  options: CallOptions,
): Promise<void> {
  const { layout, requests } = context;
  const seenMs = layout.expireAtMs(seen);
  // Another program may have stored anything there.
  const expireAtMs = Number.isSafeInteger(seenMs) ? seenMs : undefined;
  const expires =
    expireAtMs === undefined
      ? { sets: [], removes: [], values: {} }
      : expiryUpdate(keptUntil(expireAtMs, requests.windowMs));
  const same = layout.sameExpiry(seen);
  const update = updateExpression(["#s = :memory", ...expires.sets], expires.removes);
  const condition = `attribute_exists(#c) AND attribute_not_exists(#s) AND ${same.expression}`;
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(update, condition),
    ExpressionAttributeValues: { ":memory": emptyMemory(expireAtMs), ...expires.values, ...same.values },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  await sendUpdate(context, request, { ...options, uncertain: {} });
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

/** SET and REMOVE clauses for the expiry. */
function expiryClauses({ requests }: StoreContext, expires: number | "never" | undefined) {
  const { sets, removes, values } =
    expires === undefined
      ? { sets: [], removes: [], values: {} }
      : rememberingExpiryUpdate(expires === "never" ? undefined : expires, requests.windowMs);
  return {
    values,
    expression(...others: readonly string[]): string {
      const removed = [...removes, ...others];
      return sets.map((set) => `, ${set}`).join("") + (removed.length === 0 ? "" : ` REMOVE ${removed.join(", ")}`);
    },
  };
}
