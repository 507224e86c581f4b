import type { PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { refusedFor } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { FailedTry } from "../dynamodb/retry.js";
import type { CallOptions, StoredEntry, WriteCondition } from "../layout/entry.js";
import { counterEtag } from "../layout/etags.js";
import { rememberingExpiryUpdate, updateExpression } from "../layout/expiry.js";
import type { WrittenEntry } from "../layout/item-layout.js";
import { formatSeconds } from "../layout/write-time.js";
import type { StoreContext } from "../store-context.js";
import { writeConditionally } from "./conditional-write.js";
import { checkItemSize, type NewEntry, newEntry } from "./new-entry.js";
import { previousUnknown, replacedEntry, requireItem, requireOld } from "./returned-entry.js";
import type { Expression } from "./write-condition.js";
import { conditionParameters, plainParameters } from "./write-parameters.js";

export interface SetInput extends NewEntry {
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
export function setEntry(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
  return input.expiry?.kind !== "keep" || input.condition?.kind === "absent"
    ? putEntry(context, input, options)
    : setKeeping(context, input, options);
}

async function setKeeping(context: StoreContext, input: SetInput, options: CallOptions): Promise<SetResult> {
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
  let failedTry: FailedTry | undefined;
  if (condition === undefined && !returnPrevious && !options.signal.aborted) {
    // Nearly every Set, and all that it takes: the rest is needed once this try has failed.
    try {
      const request = { TableName: names.table, Item: layout.encode(entry), ...plainParameters(context) };
      await dynamodb.putItem(request, options.signal);
      context.budget.refund();
      return resultOf(entry);
    } catch (cause) {
      failedTry = { cause };
    }
  }
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
      failedTry,
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
