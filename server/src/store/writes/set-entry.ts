import type { PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, refusedFor } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { CallOptions, ExpiryPolicy, StoredEntry, WriteCondition } from "../layout/entry.js";
import { counterEtag, createNonce } from "../layout/etags.js";
import { rememberingExpiryUpdate, updateExpression } from "../layout/expiry.js";
import type { WrittenEntry } from "../layout/item-layout.js";
import { maxItemBytes } from "../layout/item-size.js";
import { formatSeconds } from "../layout/write-time.js";
import { createdExpireAtMs, type StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import { previousUnknown, replacedEntry, requireItem, requireOld } from "./returned-entry.js";
import type { Expression } from "./write-condition.js";
import { conditionParameters } from "./write-parameters.js";

export interface SetInput {
  readonly key: string;
  readonly data: StoredEntry["data"];
  /** Undefined for the server's default. */
  readonly expiry: ExpiryPolicy | undefined;
  readonly condition: WriteCondition | undefined;
  readonly returnPrevious: boolean;
}

export interface SetResult {
  readonly etag: string;
  readonly writtenAtMs: number;
  readonly expireAtMs: number | undefined;
  /** The replaced entry, if requested and there was one. */
  readonly previous?: StoredEntry | undefined;
}

/** Result of an applied Set. The replaced entry is unknown when the Set was found by a read. */
type Applied = SetResult & { readonly isFound: boolean };

/** Attempts of a Set that keeps the expiry while entries appear and vanish. */
const maxKeepRounds = 5;

/** Stores a value or a counter whole: ordinarily by one PutItem. */
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

async function putEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  const { dynamodb, layout, clock } = context;
  const { names } = layout;
  const { key, condition, returnPrevious } = input;
  const entry = newEntry(context, input);
  const startedMs = clock();
  const isPreviousAsked = returnPrevious && condition?.kind !== "absent";
  const returnValues = isPreviousAsked ? ({ ReturnValues: "ALL_OLD" } as const) : {};
  const appliedTo = (old: Item | undefined, nowMs: number): Applied => ({
    ...resultOf(entry),
    isFound: false,
    previous: isPreviousAsked ? replacedEntry(context, condition, old, { startedMs, nowMs }) : undefined,
  });
  const put = async (expression: Expression, abortSignal: AbortSignal): Promise<Applied> => {
    const nowMs = clock();
    const request: PutItemCommandInput = {
      TableName: names.table,
      Item: layout.encode(entry),
      ...returnValues,
      ...conditionParameters(context, expression),
    };
    const { Attributes: old } = await dynamodb.putItem(request, abortSignal);
    if (isPreviousAsked) {
      requireOld(condition, old);
    }
    return appliedTo(old, nowMs);
  };
  // Beside what is remembered of the counter that was there.
  const update = async (expression: Expression, abortSignal: AbortSignal): Promise<Applied> => {
    const nowMs = clock();
    const expires = rememberingExpiryUpdate(entry.expireAtMs, context.requests.windowMs);
    const { set, remove, values } = dataUpdate(entry);
    const clauses = updateExpression([...set, ...expires.sets], [...remove, "#s.#g", ...expires.removes]);
    const request: UpdateItemCommandInput = {
      TableName: names.table,
      Key: layout.key(key),
      UpdateExpression: clauses,
      ...returnValues,
      ...conditionParameters(context, expression, clauses, { ...values, ...expires.values }),
    };
    const { Attributes: old } = await dynamodb.updateItem(request, abortSignal);
    if (isPreviousAsked) {
      requireItem(old);
    }
    return appliedTo(old, nowMs);
  };
  const applied = await writeConditionally(
    context,
    {
      key,
      condition,
      send: put,
      sendRemembering: ({ item }, keeps) => {
        if (!keeps) {
          return put;
        }
        checkItemSize(context, entry, layout.memoryBytes(item ?? {}, entry.expireAtMs));
        return update;
      },
      resultFrom: (item): Applied | undefined =>
        item[names.etagAttribute]?.S === entry.nonce ? { ...resultOf(entry), isFound: true } : undefined,
    },
    options,
  );
  return tell(applied, isPreviousAsked);
}

/** Puts data in place of what the key holds, and leaves its expiry. */
async function overwriteEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  const { dynamodb, layout, clock } = context;
  const { key, returnPrevious } = input;
  const condition = input.condition ?? { kind: "present" };
  const entry = newEntry(context, input);
  const startedMs = clock();
  const { set, remove, values } = dataUpdate(entry);
  const clauses = updateExpression(set, remove);
  const applied = await writeConditionally(
    context,
    {
      key,
      condition,
      async send(expression, abortSignal): Promise<Applied> {
        const nowMs = clock();
        const request: UpdateItemCommandInput = {
          TableName: layout.names.table,
          Key: layout.key(key),
          UpdateExpression: clauses,
          // The expiry is not among what is updated, so a whole item must be asked for: what was there has it too.
          ReturnValues: "ALL_OLD",
          ...conditionParameters(context, expression, clauses, values),
        };
        const { Attributes: old } = await dynamodb.updateItem(request, abortSignal);
        requireOld(condition, old);
        return {
          ...resultOf(entry),
          isFound: false,
          expireAtMs: old && layout.expireAtMs(old),
          previous: returnPrevious ? replacedEntry(context, condition, old, { startedMs, nowMs }) : undefined,
        };
      },
      resultFrom: (item): Applied | undefined =>
        item[layout.names.etagAttribute]?.S === entry.nonce
          ? { ...resultOf(entry), isFound: true, expireAtMs: layout.expireAtMs(item) }
          : undefined,
    },
    options,
  );
  return tell(applied, returnPrevious);
}

function tell({ isFound, ...result }: Applied, isPreviousAsked: boolean): SetResult {
  if (isFound && isPreviousAsked) {
    throw previousUnknown();
  }
  return result;
}

function resultOf({ nonce, data, nowMs, expireAtMs }: WrittenEntry): SetResult {
  const etag = data.kind === "counter" ? counterEtag(nonce, data.counter) : nonce;
  return { etag, writtenAtMs: nowMs, expireAtMs };
}

function newEntry(context: StoreContext, { key, data, expiry }: SetInput): WrittenEntry {
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

/** Update that replaces whatever is there. */
function dataUpdate({ data, nowMs, nonce }: WrittenEntry): { set: string[]; remove: string[]; values: Item } {
  const isCounter = data.kind === "counter";
  return {
    set: [isCounter ? "#c = :data" : "#v = :data", "#w = :written", "#e = :nonce"],
    remove: [isCounter ? "#v" : "#c", "#m"],
    values: {
      ":data": isCounter ? { N: data.counter.toString() } : { B: data.value },
      ":written": { N: formatSeconds(nowMs) },
      ":nonce": { S: nonce },
    },
  };
}

/** @param memoryBytes what the item remembers of increments to a counter that was there */
function checkItemSize({ layout }: StoreContext, entry: WrittenEntry, memoryBytes: number): void {
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
