import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import { ConditionFailed, inDoubt, noRetries, readFailed } from "../dynamodb/retry.js";
import type { CallOptions } from "../layout/entry.js";
import { counterEtag } from "../layout/item-layout.js";
import { nonceOf, type RequestId, timeOf } from "../layout/request-id.js";
import { deadSlots, maxEntries, type RequestMemory } from "../layout/request-memory.js";
import { itemAfterFailure, readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import {
  adoptCounter,
  createCounter,
  type Increment,
  pruneSlots,
  type Remembering,
  restartCounter,
  type TryOptions,
  updateCounter,
} from "./counter-requests.js";

export interface IncrInput extends Omit<Increment, "id"> {
  /** The caller's id; undefined when the caller will not repeat the increment. */
  readonly id: RequestId | undefined;
}

export interface IncrResult {
  readonly value: bigint;
  readonly etag: string;
  readonly expireAt: number | undefined;
  /** Whether this is the answer to an earlier request with the same id, or to an earlier try of this one. */
  readonly replayed: boolean;
}

/** How many steps one increment takes at most, before it gives way to the other writers that keep coming between. */
const maxSteps = 12;

/** So many slots that nobody can ask for any more are worth a request that removes them. */
const pruneSize = 16;

/** What to do next, now that the item is known. */
type Step =
  | { readonly kind: "update"; readonly remembering: Remembering }
  | { readonly kind: "create"; readonly value: bigint }
  | { readonly kind: "restart"; readonly value: bigint; readonly from: "expired" | "gone" }
  | { readonly kind: "adopt" }
  | { readonly kind: "prune"; readonly memory: RequestMemory }
  | { readonly kind: "replay"; readonly result: IncrResult };

/** How an increment with an id is carried out. */
export interface OnceOptions extends TryOptions {
  /** Whether the id is the caller's, who may send it again. */
  readonly isCallers: boolean;
}

/**
 * Adds to a counter, once for each id: docs/exactly-once.md. Ordinarily that is one UpdateItem, which checks kind, expiry,
 * bounds and what is remembered, adds and remembers. Where it is refused, the item tells what to do instead.
 */
export async function incrementOnce(
  context: StoreContext,
  input: Increment,
  { isCallers, ...options }: OnceOptions,
): Promise<IncrResult> {
  const { doubt } = options;
  try {
    let step: Step = { kind: "update", remembering: "any writer" };
    for (let steps = 0; steps < maxSteps; steps++) {
      // Before each request that may add: what is remembered of older ids may be gone.
      if (timeOf(input.id.sequence) < context.clock() - context.requests.windowMs) {
        return await answerOld(context, input, options);
      }
      try {
        const result = await take(context, input, step, options);
        if (result !== undefined) {
          return result;
        }
        step = { kind: "update", remembering: "any writer" };
      } catch (error) {
        if (!(error instanceof ConditionFailed)) {
          throw error;
        }
        const item = await itemAfterFailure(context, input.key, error, options);
        // Who must not count twice must be remembered; so must an update of which an earlier try may yet be applied.
        step = nextStep(context, input, item, isCallers || doubt.error !== undefined);
      }
    }
    throw new DynakvError(ErrorReason.CONTENTION, "other writers kept changing the key", {
      outcome: Outcome.NOT_APPLIED,
      retryAfterMs: 100,
    });
  } catch (error) {
    throw repeatable(isCallers, inDoubt(doubt, readFailed(error)));
  }
}

/** Carries out a step; undefined when it has only prepared the next. */
async function take(
  context: StoreContext,
  input: Increment,
  step: Step,
  options: TryOptions,
): Promise<IncrResult | undefined> {
  switch (step.kind) {
    case "update": {
      const item = await updateCounter(context, [input], step.remembering, options);
      const result = appliedResult(context, input.id, item);
      await pruneIfWorthwhile(context, input.key, item, options);
      return result;
    }
    case "create":
      return appliedResult(context, input.id, await createCounter(context, input, step.value, options));
    case "restart":
      return appliedResult(context, input.id, await restartCounter(context, input, step.value, step.from, options));
    case "adopt":
      await unapplied(adoptCounter(context, input.key, options));
      return undefined;
    case "prune":
      await unapplied(pruneSlots(context, input.key, deadSlotsNow(context, step.memory).slice(0, pruneSize), options));
      return undefined;
    case "replay":
      return step.result;
  }
}

/** What to do about an item on which a request was refused. Throws when that is to refuse the increment. */
function nextStep(context: StoreContext, input: Increment, item: Item | undefined, mustRemember: boolean): Step {
  const { layout, clock, requests } = context;
  const memory = item === undefined ? undefined : memoryOf(context, item);
  const replay = findReplay(context, input, item, memory);
  if (replay !== undefined) {
    return { kind: "replay", result: replay };
  }
  const entry = layout.decode(item, clock());
  if (entry?.data.kind === "value") {
    throw new DynakvError(ErrorReason.WRONG_KIND, "the key holds a value, not a counter", {
      outcome: Outcome.NOT_APPLIED,
      currentEtag: entry.etag,
    });
  }
  const value = (entry?.data.counter ?? input.initial) + input.delta;
  if (value < input.min || value > input.max) {
    throw outOfBounds(input);
  }
  if (memory === undefined) {
    return entry === undefined ? { kind: "create", value } : { kind: "adopt" };
  }
  const isFull = memory.entries >= maxEntries(requests.maxWriters);
  if (isFull && !(entry !== undefined && memory.slots.has(input.id.writer))) {
    return makeRoom(context, memory, mustRemember || entry === undefined);
  }
  return entry === undefined
    ? { kind: "restart", value, from: memory.gone ? "gone" : "expired" }
    : { kind: "update", remembering: isFull ? "known writer" : "any writer" };
}

/** What an item remembers. Throws UNREADABLE_ITEM when the attribute is another program's. */
function memoryOf({ layout }: StoreContext, item: Item): RequestMemory | undefined {
  const name = layout.names.requestsAttribute;
  if (item[name] !== undefined && item[name].M === undefined) {
    throw new DynakvError(
      ErrorReason.UNREADABLE_ITEM,
      `the item's attribute '${name}', in which dynakv remembers increments, is not a map, so another program has written it; name one that no other uses in the setting requestsAttribute`,
      { outcome: Outcome.NOT_APPLIED },
    );
  }
  return layout.memory(item);
}

/** The answer to a request that was applied before; undefined for a new one. Throws when neither can be told. */
function findReplay(
  { layout, clock }: StoreContext,
  { id }: Increment,
  item: Item | undefined,
  memory: RequestMemory | undefined,
): IncrResult | undefined {
  const slot = memory?.slots.get(id.writer);
  if (item !== undefined && slot?.sequence === id.sequence) {
    const isThere = layout.decode(item, clock()) !== undefined;
    return {
      value: slot.result,
      etag: counterEtag(nonceOf(id), slot.result),
      expireAt: isThere ? layout.expireAt(item) : undefined,
      replayed: true,
    };
  }
  if (slot !== undefined && slot.sequence > id.sequence) {
    throw tooOld("a later increment of the same writer has taken its place");
  }
  if (memory !== undefined && memory.floor >= id.sequence) {
    throw tooOld("what was known of ids of its time has been removed");
  }
  return undefined;
}

/** An id from before the window is answered if it is still known. */
async function answerOld(context: StoreContext, input: Increment, options: TryOptions): Promise<IncrResult> {
  const item = await readItemStrongly(context, input.key, options);
  const replay = findReplay(context, input, item, item && context.layout.memory(item));
  if (replay === undefined) {
    throw tooOld(`its time lies more than ${context.requests.windowMs / 1000} s back`);
  }
  return replay;
}

function makeRoom(context: StoreContext, memory: RequestMemory, mustRemember: boolean): Step {
  const { windowMs } = context.requests;
  if (deadSlotsNow(context, memory).length > 0) {
    return { kind: "prune", memory };
  }
  if (!mustRemember) {
    return { kind: "update", remembering: "nobody" };
  }
  const oldest = Math.min(...[...memory.slots.values()].map(({ sequence }) => timeOf(sequence)));
  throw new DynakvError(
    ErrorReason.REQUEST_WINDOW_FULL,
    `the counter was incremented by ${memory.slots.size} writers of request ids within the window; keep the last 16 digits of request_id for increments that follow one another`,
    { outcome: Outcome.NOT_APPLIED, retryAfterMs: Math.max(1000, oldest + windowMs - context.clock()) },
  );
}

/** The answer to an increment that DynamoDB has carried out as the last of its update, whatever now turns out to be odd about it. */
export function appliedResult({ layout }: StoreContext, id: RequestId, item: Item): IncrResult {
  const counter = layout.counter(item);
  if (counter === undefined) {
    throw new DynakvError(ErrorReason.UNREADABLE_ITEM, "the counter does not hold a whole number", {
      outcome: Outcome.APPLIED,
    });
  }
  return {
    value: counter,
    etag: counterEtag(nonceOf(id), counter),
    expireAt: layout.expireAt(item),
    replayed: false,
  };
}

/** Keeps the item small. The increment is done: nothing that goes wrong here concerns its caller, nor is worth the wait. */
export async function pruneIfWorthwhile(
  context: StoreContext,
  key: string,
  item: Item,
  options: CallOptions,
): Promise<void> {
  const memory = context.layout.memory(item);
  const dead = memory === undefined ? [] : deadSlotsNow(context, memory);
  if (dead.length >= pruneSize) {
    await pruneSlots({ ...context, budget: noRetries }, key, dead.slice(0, pruneSize), options).catch(() => {});
  }
}

function deadSlotsNow({ requests, clock }: StoreContext, memory: RequestMemory) {
  return deadSlots(memory, requests.windowMs, clock());
}

/** Whatever becomes of a request that only prepares the increment, the increment has not been applied by it. */
async function unapplied(preparation: Promise<void>): Promise<void> {
  try {
    await preparation;
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
}

/** A caller that has sent an id may send it again, also when it is not known what became of the first. */
export function repeatable(isCallers: boolean, error: unknown): unknown {
  return isCallers && error instanceof DynakvError ? error.asRepeatable() : error;
}

function tooOld(why: string): DynakvError {
  return new DynakvError(
    ErrorReason.REQUEST_TOO_OLD,
    `request_id: ${why}; this request added nothing, and whether an earlier one with this id did is not known`,
    { field: "request_id", outcome: Outcome.UNKNOWN },
  );
}

function outOfBounds({ delta, min, max }: Increment): DynakvError {
  return new DynakvError(
    ErrorReason.OUT_OF_BOUNDS,
    `adding ${delta} would take the counter out of the bounds ${min} to ${max}`,
    { outcome: Outcome.NOT_APPLIED },
  );
}
