import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import { ConditionFailed, readFailed, withUncertainOutcome } from "../dynamodb/retry.js";
import type { Fence } from "../layout/dedup-state.js";
import type { StoredEntry } from "../layout/entry.js";
import { counterEtag } from "../layout/etags.js";
import { maxMembers } from "../layout/members.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import { itemAfterFailure, readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import {
  adoptCounter,
  createCounter,
  type Increment,
  restartCounter,
  type TryOptions,
  updateCounter,
} from "./counter-requests.js";
import type { LateSection } from "./late-section.js";
import { type IncrResult, inTurn, recall, refuseForgotten } from "./recall.js";
import { refuseUntimely, tellTime, untimely } from "./request-times.js";
import { makeRoomIfFull } from "./trim-memory.js";

export interface IncrInput extends Omit<Increment, "id"> {
  /** The caller's id; undefined when the caller will not repeat the increment. */
  readonly id: RequestId | undefined;
}

/** Step limit of one increment under contention. */
const maxSteps = 12;

/** The next step, now that the item is known. */
type Step =
  | { readonly kind: "update"; readonly fence: Fence; readonly needsRoom: boolean }
  | { readonly kind: "create"; readonly value: bigint }
  | {
      readonly kind: "restart";
      readonly value: bigint;
      readonly from: "expired" | "gone";
      readonly fence: Fence;
      readonly needsRoom: boolean;
    }
  | { readonly kind: "adopt"; readonly item: Item }
  | { readonly kind: "answer"; readonly result: IncrResult };

const firstStep: Step = { kind: "update", fence: "floor", needsRoom: true };

/** The way an increment with an id is carried out. */
export interface OnceOptions extends TryOptions {
  /** True if its caller may send it again, and it still counts once. */
  readonly isRepeatable: boolean;
  readonly section: LateSection;
}

/** The result of an increment, and the item if this very increment has changed it. */
export interface Incremented {
  readonly result: IncrResult;
  readonly item: Item | undefined;
}

/**
 * Adds to a counter, once for each id: docs/exactly-once.md. Ordinarily that is one UpdateItem, which checks kind, expiry,
 * bounds and what is remembered, adds and remembers. Where it is refused, the item tells what to do instead.
 */
export async function incrementOnce(
  context: StoreContext,
  input: Increment,
  { isRepeatable, section, ...options }: OnceOptions,
): Promise<Incremented> {
  const { uncertain } = options;
  try {
    let step = firstStep;
    for (let steps = 0; steps < maxSteps; steps++) {
      // Before each request that may add. An id that was taken once is not refused for a clock that was set back since.
      const why = untimely(context, input.id);
      if (why === "old" || (why === "ahead" && uncertain.error === undefined)) {
        return { result: await answerKnown(context, input, why, options), item: undefined };
      }
      try {
        const done = await runStep(context, input, step, options);
        if (done !== undefined) {
          return done;
        }
        step = firstStep;
      } catch (error) {
        if (!(error instanceof ConditionFailed)) {
          throw error;
        }
        const seen = await itemAfterFailure(context, input.key, error, options);
        const item = await inTurn(context, [input], seen, section, options);
        step = await nextStep(context, input, item, section, options);
      }
    }
    throw new DynakvError(ErrorReason.CONTENTION, "contention: other writers kept changing the key", {
      outcome: Outcome.NOT_APPLIED,
      retryAfterMs: 100,
    });
  } catch (error) {
    throw repeatable(isRepeatable, withUncertainOutcome(uncertain, tellTime(context, uncertain, readFailed(error))));
  }
}

/** Carries out a step; undefined when it has only prepared the next. */
async function runStep(
  context: StoreContext,
  input: Increment,
  step: Step,
  options: TryOptions,
): Promise<Incremented | undefined> {
  switch (step.kind) {
    case "update":
      return applied(context, input.id, await updateCounter(context, [input], { ...step, ...options }));
    case "create":
      return applied(context, input.id, await createCounter(context, input, step.value, options));
    case "restart":
      return applied(
        context,
        input.id,
        await restartCounter(context, input, step.value, step.from, { ...step, ...options }),
      );
    case "adopt":
      await unapplied(adoptCounter(context, input.key, step.item, options));
      return undefined;
    case "answer":
      return { result: step.result, item: undefined };
  }
}

function applied(context: StoreContext, id: RequestId, item: Item): Incremented {
  return { result: appliedResult(context, id, item), item };
}

/** Plans the step after a refused request. Throws to refuse the increment. */
async function nextStep(
  context: StoreContext,
  input: Increment,
  item: Item | undefined,
  section: LateSection,
  options: TryOptions,
): Promise<Step> {
  const { memory, replays, fence } = await recall(context, [input], item, options);
  const replay = replays.get(input);
  if (replay !== undefined) {
    return { kind: "answer", result: replay };
  }
  refuseForgotten(memory, input);
  const entry = context.layout.decode(item, context.clock());
  if (entry?.data.kind === "value") {
    throw new DynakvError(ErrorReason.WRONG_KIND, "the key holds a value, not a counter", {
      outcome: Outcome.NOT_APPLIED,
      currentEtag: entry.etag,
    });
  }
  const counted = countedResult(context, input, item, entry);
  if (counted !== undefined) {
    return { kind: "answer", result: counted };
  }
  const value = (entry?.data.counter ?? input.initial) + input.delta;
  if (value < input.min || value > input.max) {
    throw outOfBounds(input);
  }
  if (memory === undefined) {
    return entry === undefined || item === undefined ? { kind: "create", value } : { kind: "adopt", item };
  }
  const room = await unapplied(makeRoomIfFull(context, input.key, memory, section, { signal: options.signal }));
  const needsRoom = room !== "full for good";
  return entry === undefined
    ? { kind: "restart", value, from: memory.gone ? "gone" : "expired", fence, needsRoom }
    : { kind: "update", fence, needsRoom };
}

/** The answer to an increment whose member the counter has counted; undefined for a new one. Throws when there is no room for it. */
function countedResult(
  { layout }: StoreContext,
  { member }: Increment,
  item: Item | undefined,
  entry: StoredEntry | undefined,
): IncrResult | undefined {
  if (member === undefined || item === undefined || entry?.data.kind !== "counter") {
    return undefined;
  }
  const members = layout.members(item);
  if (members.has(member)) {
    return { value: entry.data.counter, etag: entry.etag, expireAtMs: entry.expireAtMs, replayed: true };
  }
  if (members.size >= maxMembers) {
    throw new DynakvError(
      ErrorReason.MEMBERS_FULL,
      `member: the counter has reached its limit of ${members.size} members; use another counter for more`,
      { field: "member", outcome: Outcome.NOT_APPLIED },
    );
  }
  return undefined;
}

/** An id that may not be added for its time is answered if it is known, or its member is. */
async function answerKnown(
  context: StoreContext,
  input: Increment,
  why: "old" | "ahead",
  options: TryOptions,
): Promise<IncrResult> {
  const item = await readItemStrongly(context, input.key, options);
  const { replays } = await recall(context, [input], item, options, why === "old");
  const known = replays.get(input) ?? countedBefore(context, input, item);
  if (known === undefined) {
    throw refuseUntimely(context, input.id, why);
  }
  return known;
}

function countedBefore(context: StoreContext, input: Increment, item: Item | undefined): IncrResult | undefined {
  if (input.member === undefined || item === undefined || !context.layout.members(item).has(input.member)) {
    return undefined;
  }
  return countedResult(context, input, item, context.layout.decode(item, context.clock()));
}

/** The answer to an increment that DynamoDB has carried out as the last of its update, whatever now turns out to be odd about it. */
export function appliedResult({ layout }: StoreContext, id: RequestId, item: Item): IncrResult {
  const counter = layout.counter(item);
  if (counter === undefined) {
    throw new DynakvError(ErrorReason.UNREADABLE_ITEM, "the counter is not an integer", {
      outcome: Outcome.APPLIED,
    });
  }
  return {
    value: counter,
    etag: counterEtag(nonceOf(id), counter),
    expireAtMs: layout.expireAtMs(item),
    replayed: false,
  };
}

/** Whatever becomes of a request that only prepares the increment, the increment has not been applied by it. */
export async function unapplied<T>(preparation: Promise<T>): Promise<T> {
  try {
    return await preparation;
  } catch (error) {
    throw error instanceof DynakvError ? error.withOutcome(Outcome.NOT_APPLIED) : error;
  }
}

/** Returns true if an increment counts once, however often its caller sends it. */
export function mayBeRepeated({ id, member }: IncrInput): boolean {
  return id !== undefined || member !== undefined;
}

/** Such an increment may be sent again also when it is not known what became of it. */
export function repeatable(isRepeatable: boolean, error: unknown): unknown {
  return isRepeatable && error instanceof DynakvError ? error.asRepeatable() : error;
}

export function outOfBounds({ delta, min, max }: Pick<Increment, "delta" | "min" | "max">): DynakvError {
  return new DynakvError(
    ErrorReason.OUT_OF_BOUNDS,
    `adding ${delta} would exceed the counter's bounds ${min} to ${max}`,
    { outcome: Outcome.NOT_APPLIED },
  );
}
