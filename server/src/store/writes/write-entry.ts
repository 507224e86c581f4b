import type { DeleteItemCommandInput, PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { CallOptions, ExpiryPolicy, WriteCondition } from "../layout/entry.js";
import { createNonce, formatSeconds, isExpired, type WrittenEntry } from "../layout/item-layout.js";
import { maxItemBytes } from "../layout/item-size.js";
import { forgettableFrom, type RequestMemory } from "../layout/request-memory.js";
import { createdExpireAt, type StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import type { Expression } from "./write-condition.js";

export interface SetInput {
  readonly key: string;
  readonly value: Uint8Array;
  /** Undefined for the server's default. */
  readonly expiry: ExpiryPolicy | undefined;
  readonly condition: WriteCondition | undefined;
}

export interface SetResult {
  readonly etag: string;
  readonly writtenAtMs: number;
  readonly expireAt: number | undefined;
}

/** How often entries may appear and vanish while a Set that keeps their expiry looks for one. */
const maxKeepRounds = 5;

/** Stores a value whole: ordinarily by one PutItem. */
export async function setEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  if (input.expiry?.kind !== "keep" || input.condition?.kind === "absent") {
    return putEntry(context, input, options);
  }
  // An entry that is there is updated, since its expiry cannot be named in a PutItem; where there is none, one is put.
  for (let round = 1; ; round++) {
    try {
      return await overwriteEntry(context, input, options);
    } catch (error) {
      if (input.condition !== undefined || !refusedFor(error, ErrorReason.NOT_PRESENT) || round >= maxKeepRounds) {
        throw error;
      }
    }
    try {
      return await putEntry(context, { ...input, condition: { kind: "absent" } }, options);
    } catch (error) {
      if (!refusedFor(error, ErrorReason.ALREADY_EXISTS)) {
        throw error;
      }
    }
  }
}

function refusedFor(error: unknown, reason: ErrorReason): boolean {
  return error instanceof DynakvError && error.reason === reason && error.outcome === Outcome.NOT_APPLIED;
}

async function putEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  const { dynamodb, layout } = context;
  const { names } = layout;
  const { key } = input;
  const entry = newEntry(context, input);
  const { nowMs, nonce, expireAt } = entry;
  const result: SetResult = { etag: nonce, writtenAtMs: nowMs, expireAt };
  const put = async (condition: Expression, abortSignal: AbortSignal): Promise<SetResult> => {
    const request: PutItemCommandInput = {
      TableName: names.table,
      Item: layout.encode(entry),
      ...conditionParameters(context, condition),
    };
    await dynamodb.putItem(request, abortSignal);
    return result;
  };
  // Beside what is remembered of the counter that was there.
  const update = async (condition: Expression, abortSignal: AbortSignal): Promise<SetResult> => {
    const expression =
      `SET #v = :value, #w = :written, #e = :nonce${expireAt === undefined ? "" : ", #x = :expires"}` +
      ` REMOVE #c, #m, #s.#g${expireAt === undefined ? ", #x" : ""}`;
    const values = {
      ...valuesOf(input.value, entry),
      ...(expireAt === undefined ? {} : { ":expires": { N: expireAt.toString() } }),
    };
    const request: UpdateItemCommandInput = {
      TableName: names.table,
      Key: layout.key(key),
      UpdateExpression: expression,
      ...conditionParameters(context, condition, expression, values),
    };
    await dynamodb.updateItem(request, abortSignal);
    return result;
  };
  return writeConditionally(
    context,
    {
      key,
      condition: input.condition,
      send: put,
      sendRemembering: (_, keeps) => (keeps ? update : put),
      resultFrom: (item) => (item[names.etagAttribute]?.S === nonce ? result : undefined),
    },
    options,
  );
}

/** Puts a value in place of what the key holds, and leaves its expiry. */
async function overwriteEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  const { dynamodb, layout } = context;
  const { key } = input;
  const entry = newEntry(context, input);
  const resultFrom = (item: Item): SetResult | undefined =>
    item[layout.names.etagAttribute]?.S === entry.nonce
      ? { etag: entry.nonce, writtenAtMs: entry.nowMs, expireAt: layout.expireAt(item) }
      : undefined;
  const expression = "SET #v = :value, #w = :written, #e = :nonce REMOVE #c, #m";
  return writeConditionally(
    context,
    {
      key,
      condition: input.condition ?? { kind: "present" },
      async send(condition, abortSignal) {
        const request: UpdateItemCommandInput = {
          TableName: layout.names.table,
          Key: layout.key(key),
          UpdateExpression: expression,
          // The expiry is not among what is updated, so the whole item must be asked for.
          ReturnValues: "ALL_NEW",
          ...conditionParameters(context, condition, expression, valuesOf(input.value, entry)),
        };
        const { Attributes = {} } = await dynamodb.updateItem(request, abortSignal);
        return resultFrom(Attributes) ?? { etag: entry.nonce, writtenAtMs: entry.nowMs, expireAt: undefined };
      },
      resultFrom,
    },
    options,
  );
}

function newEntry(context: StoreContext, { key, value, expiry }: SetInput): WrittenEntry {
  const nowMs = context.clock();
  const expireAt = createdExpireAt(context, expiry, nowMs);
  const entry: WrittenEntry = { key, data: { kind: "value", value }, nowMs, expireAt, nonce: createNonce() };
  checkItemSize(context.layout.overheadBytes(entry), value.length);
  return entry;
}

function valuesOf(value: Uint8Array, { nowMs, nonce }: WrittenEntry): Item {
  return { ":value": { B: value }, ":written": { N: formatSeconds(nowMs) }, ":nonce": { S: nonce } };
}

export interface DeleteInput {
  readonly key: string;
  readonly condition: WriteCondition | undefined;
}

/** Removes whatever the key holds: ordinarily by one DeleteItem. True when that was an entry, and not an expired one. */
export async function deleteEntry(context: StoreContext, input: DeleteInput, options: CallOptions): Promise<boolean> {
  const { dynamodb, layout, clock } = context;
  const { key, condition } = input;
  const remove = async (expression: Expression, abortSignal: AbortSignal): Promise<boolean> => {
    const nowMs = clock();
    const request: DeleteItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      ReturnValues: "ALL_OLD",
      ...conditionParameters(context, expression),
    };
    const { Attributes: old } = await dynamodb.deleteItem(request, abortSignal);
    // A condition has told already, by the clock with which it was checked.
    return condition === undefined
      ? old !== undefined && layout.memory(old)?.gone !== true && !isExpired(layout.expireAt(old), nowMs)
      : condition.kind !== "absent";
  };
  // The item stays for what it remembers of the counter, until no increment of it can be repeated. An expired one is marked
  // as well: a replica whose clock is behind would find it alive after this.
  const hide = (exists: boolean, memory: RequestMemory) => async (expression: Expression, abortSignal: AbortSignal) => {
    const update = "SET #s.#g = :nonce, #x = :until REMOVE #v, #c, #w, #e, #m";
    const until = Math.ceil(forgettableFrom(memory, context.requests.windowMs) / 1000);
    const request: UpdateItemCommandInput = {
      TableName: layout.names.table,
      Key: layout.key(key),
      UpdateExpression: update,
      ...conditionParameters(context, expression, update, {
        ":nonce": { S: createNonce() },
        ":until": { N: until.toString() },
      }),
    };
    await dynamodb.updateItem(request, abortSignal);
    return exists;
  };
  return writeConditionally(
    context,
    {
      key,
      condition,
      send: remove,
      // What is left does not tell who removed the rest, so an answer that is lost cannot be made up for.
      sendRemembering: ({ exists, memory }, keeps) =>
        !keeps || memory === undefined ? remove : memory.gone ? async () => false : hide(exists, memory),
    },
    options,
  );
}

export interface TouchInput {
  readonly key: string;
  readonly expiry: Exclude<ExpiryPolicy, { kind: "keep" }>;
  readonly condition: Exclude<WriteCondition, { kind: "absent" }> | undefined;
}

export interface TouchResult {
  readonly etag: string;
  readonly expireAt: number | undefined;
}

/** Changes the expiry of an entry, by one UpdateItem. Undefined when the key holds none. */
export async function touchEntry(
  context: StoreContext,
  input: TouchInput,
  options: CallOptions,
): Promise<TouchResult | undefined> {
  const { dynamodb, layout, clock } = context;
  const { key } = input;
  const nonce = createNonce();
  const resultFrom = (item: Item): TouchResult | undefined =>
    item[layout.names.etagAttribute]?.S === nonce
      ? { etag: layout.writtenEtag(item) ?? nonce, expireAt: layout.expireAt(item) }
      : undefined;
  try {
    return await writeConditionally<TouchResult>(
      context,
      {
        key,
        condition: input.condition ?? { kind: "present" },
        async send(condition, abortSignal) {
          const expireAt = createdExpireAt(context, input.expiry, clock());
          const update = expireAt === undefined ? "SET #e = :nonce REMOVE #x" : "SET #e = :nonce, #x = :expires";
          const request: UpdateItemCommandInput = {
            TableName: layout.names.table,
            Key: layout.key(key),
            UpdateExpression: update,
            // The etag of a counter holds the count.
            ReturnValues: "ALL_NEW",
            ...conditionParameters(context, condition, update, {
              ":nonce": { S: nonce },
              ...(expireAt === undefined ? {} : { ":expires": { N: expireAt.toString() } }),
            }),
          };
          const { Attributes = {} } = await dynamodb.updateItem(request, abortSignal);
          return resultFrom(Attributes) ?? { etag: nonce, expireAt };
        },
        resultFrom,
      },
      options,
    );
  } catch (error) {
    if (input.condition === undefined && refusedFor(error, ErrorReason.NOT_PRESENT)) {
      return undefined;
    }
    throw error;
  }
}

/** The parameters of a conditional write, with the values of its update, if it is one. */
function conditionParameters(
  { layout }: StoreContext,
  { expression, values }: Expression,
  update?: string,
  updateValues?: Item,
) {
  const all = { ...values, ...updateValues };
  return {
    ConditionExpression: expression,
    ExpressionAttributeNames: layout.namesFor(expression, update),
    ...(Object.keys(all).length === 0 ? {} : { ExpressionAttributeValues: all }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
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
