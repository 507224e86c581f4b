import { PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors.js";
import type { CallOptions, ExpiryPolicy } from "./entry.js";
import { counterEtag, createNonce, formatSeconds, type Item } from "./item-layout.js";
import { readItemStrongly } from "./read-entry.js";
import { ConditionFailed, withRetries } from "./retry.js";
import { defaultExpireAt, type StoreContext } from "./store-context.js";
import { isAbsent, isLive, nowValue } from "./write-condition.js";

export interface IncrInput {
  readonly key: string;
  readonly delta: bigint;
  /** Where a counter that is created starts, before delta is added. */
  readonly initial: bigint;
  /** The lowest and the highest value that the counter may take, within int64. */
  readonly min: bigint;
  readonly max: bigint;
  /** Undefined: keep the counter's expiry, and the server's default for one that is created. */
  readonly expiry: ExpiryPolicy | undefined;
}

export interface IncrResult {
  readonly value: bigint;
  readonly etag: string;
  readonly expireAt: number | undefined;
}

/** How often another writer may come between the steps, before the increment gives up. */
const maxRounds = 10;

/**
 * Adds to a counter. Ordinarily that is one UpdateItem, which checks kind, expiry and bounds and creates what is
 * missing. DynamoDB's expressions cannot start an expired counter anew, nor give an expiry to a new counter alone: there
 * the update fails on its condition, and a PutItem follows, on the condition that the key still holds nothing.
 */
export async function incrementCounter(
  context: StoreContext,
  input: IncrInput,
  options: CallOptions,
): Promise<IncrResult> {
  for (let round = 0; round < maxRounds; round++) {
    try {
      return await updateCounter(context, input, options);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) {
        throw error;
      }
      const item = error.failure.item ?? (await readAfterFailure(context, input.key, options));
      if (holdsCounter(context, item)) {
        refuseOutOfBounds(context, input, item);
        continue;
      }
    }
    try {
      return await createCounter(context, input, options);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) {
        throw error;
      }
    }
  }
  throw new DynakvError(ErrorReason.CONTENTION, "other writers kept changing the key", {
    outcome: Outcome.NOT_APPLIED,
    retryAfterMs: 100,
  });
}

async function updateCounter(context: StoreContext, input: IncrInput, options: CallOptions): Promise<IncrResult> {
  const { client, layout, budget, clock } = context;
  const nowMs = clock();
  const nonce = createNonce();
  const { expiry } = input;
  const first = input.initial + input.delta;
  const createsAlike =
    inBounds(first, input) &&
    ((expiry !== undefined && expiry.kind !== "keep") || context.defaultExpirySeconds === undefined);

  const isCounter = `attribute_not_exists(#v) AND attribute_type(#c, :number) AND #c BETWEEN :low AND :high AND ${isLive}`;
  const condition = createsAlike ? `attribute_not_exists(#k) OR ${isCounter}` : isCounter;
  const count = createsAlike ? "if_not_exists(#c, :initial) + :delta" : "#c + :delta";
  const setsExpiry = expiry?.kind === "at";
  const update =
    `SET #c = ${count}, #w = :written, #e = :etag${setsExpiry ? ", #x = :expires" : ""}` +
    (expiry?.kind === "never" ? " REMOVE #x" : "");

  const command = new UpdateItemCommand({
    TableName: layout.names.table,
    Key: layout.key(input.key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(update, condition),
    ExpressionAttributeValues: {
      ...nowValue(nowMs),
      ":number": { S: "N" },
      ":low": { N: (input.min - input.delta).toString() },
      ":high": { N: (input.max - input.delta).toString() },
      ":delta": { N: input.delta.toString() },
      ":written": { N: formatSeconds(nowMs) },
      ":etag": { S: nonce },
      ...(createsAlike ? { ":initial": { N: input.initial.toString() } } : {}),
      ...(setsExpiry ? { ":expires": { N: expiry.second.toString() } } : {}),
    },
    ReturnValues: "ALL_NEW",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
  const { Attributes: item } = await withRetries((abortSignal) => client.send(command, { abortSignal }), {
    ...options,
    budget,
    access: "write",
  });
  return appliedResult(context, item, nonce);
}

/** The answer to an increment that DynamoDB has carried out, whatever now turns out to be odd about it. */
function appliedResult({ layout }: StoreContext, item: Item | undefined, nonce: string): IncrResult {
  const counter = item === undefined ? undefined : layout.counter(item);
  if (item === undefined || counter === undefined) {
    throw new DynakvError(ErrorReason.UNREADABLE_ITEM, "the counter does not hold a whole number", {
      outcome: Outcome.APPLIED,
    });
  }
  return { value: counter, etag: counterEtag(nonce, counter), expireAt: layout.expireAt(item) };
}

/** Starts a counter where the key holds nothing, or only what has expired. */
async function createCounter(context: StoreContext, input: IncrInput, options: CallOptions): Promise<IncrResult> {
  const { client, layout, budget, clock } = context;
  const nowMs = clock();
  const nonce = createNonce();
  const value = input.initial + input.delta;
  if (!inBounds(value, input)) {
    throw outOfBounds(input);
  }
  const expireAt = createdExpireAt(context, input.expiry, nowMs);
  const command = new PutItemCommand({
    TableName: layout.names.table,
    Item: layout.encode({ key: input.key, data: { kind: "counter", counter: value }, nowMs, expireAt, nonce }),
    ConditionExpression: isAbsent,
    ExpressionAttributeNames: layout.namesFor(isAbsent),
    ExpressionAttributeValues: nowValue(nowMs),
  });
  await withRetries((abortSignal) => client.send(command, { abortSignal }), { ...options, budget, access: "write" });
  return { value, etag: counterEtag(nonce, value), expireAt };
}

function createdExpireAt(context: StoreContext, expiry: ExpiryPolicy | undefined, nowMs: number): number | undefined {
  switch (expiry?.kind) {
    case "at":
      return expiry.second;
    case "never":
      return undefined;
    default:
      return defaultExpireAt(context, nowMs);
  }
}

// The update was refused, so nothing was applied, whatever becomes of this read.
async function readAfterFailure(context: StoreContext, key: string, options: CallOptions): Promise<Item | undefined> {
  try {
    return await readItemStrongly(context, key, options);
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
}

/** Whether there is a live counter; false when there is nothing; throws when there is something else. */
function holdsCounter({ layout, clock }: StoreContext, item: Item | undefined): item is Item {
  let entry: ReturnType<typeof layout.decode>;
  try {
    entry = layout.decode(item, clock());
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
  if (entry?.data.kind === "value") {
    throw new DynakvError(ErrorReason.WRONG_KIND, "the key holds a value, not a counter", {
      outcome: Outcome.NOT_APPLIED,
      currentEtag: entry.etag,
    });
  }
  return entry !== undefined;
}

function refuseOutOfBounds({ layout }: StoreContext, input: IncrInput, item: Item): void {
  const counter = layout.counter(item);
  if (counter !== undefined && !inBounds(counter + input.delta, input)) {
    throw outOfBounds(input);
  }
}

function inBounds(value: bigint, { min, max }: IncrInput): boolean {
  return value >= min && value <= max;
}

function outOfBounds({ delta, min, max }: IncrInput): DynakvError {
  return new DynakvError(
    ErrorReason.OUT_OF_BOUNDS,
    `adding ${delta} would take the counter out of the bounds ${min} to ${max}`,
    { outcome: Outcome.NOT_APPLIED },
  );
}
