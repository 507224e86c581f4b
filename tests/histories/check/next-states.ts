import { type Item, type KeyState, withEtag, withItem } from "./key-state.js";
import type { Answer, Condition, Content, Expiry, Operation, Request, Result, SeenEntry } from "./operation.js";

/** What is known of the whole history. */
export interface Facts {
  /** The etags that successful writes have returned. */
  readonly returned: ReadonlySet<string>;
}

export function collectFacts(operations: readonly Operation[]): Facts {
  return { returned: new Set(operations.flatMap((operation) => returnedEtag(operation) ?? [])) };
}

/** The etag of the entry that an operation is known to have written. */
export function returnedEtag({ result }: Operation): string | undefined {
  if (result.outcome !== "done" || result.answer.type === "get" || result.answer.type === "delete") {
    return undefined;
  }
  return result.answer.type === "touch" && result.answer.isUnchanged ? undefined : result.answer.etag;
}

/**
 * Every state that a key can be in after an operation took effect in this one, with the result that it had. None when it
 * cannot have happened here. There may be two: an operation that overlaps the moment of expiry may see either.
 */
export function nextStates(state: KeyState, operation: Operation, facts: Facts): KeyState[] {
  return views(state, operation).flatMap((live) => {
    const next = apply({ state, live, operation, facts });
    return next === undefined ? [] : [next];
  });
}

/** What the operation may find: the item, or nothing. */
function views({ item }: KeyState, { clockFrom, clockTo, result }: Operation): (Item | undefined)[] {
  if (item?.expireAt === undefined) {
    return [item];
  }
  const latest = result.outcome === "unknown" ? Number.POSITIVE_INFINITY : clockTo;
  return [...(clockFrom < item.expireAt ? [item] : []), ...(latest >= item.expireAt ? [undefined] : [])];
}

interface Step {
  readonly state: KeyState;
  /** The item, unless the operation finds it expired. */
  readonly live: Item | undefined;
  readonly operation: Operation;
  readonly facts: Facts;
}

function apply(step: Step): KeyState | undefined {
  const { request, result } = step.operation;
  switch (result.outcome) {
    case "refused":
      return refuse(step, request, result);
    case "done":
      return result.answer.type === request.type ? carryOut(step, request, result.answer) : undefined;
    case "unknown":
      return carryOut(step, request, undefined);
    case "not-applied":
      return undefined;
  }
}

/** The write, or the read, with the answer that it gave; undefined where it is not known. */
function carryOut(step: Step, request: Request, answer: Answer | undefined): KeyState | undefined {
  switch (request.type) {
    case "get":
      return answer?.type === "get" ? see(step, answer.entry) : undefined;
    case "set": {
      const checked = check(step, request.condition);
      const expireAt = request.expiry === "keep" ? step.live?.expireAt : toTime(request.expiry);
      if (checked === undefined || (answer?.type === "set" && answer.expireAt !== expireAt)) {
        return undefined;
      }
      const seen =
        answer?.type === "set" && request.isSwap ? see({ ...step, state: checked }, answer.previous) : checked;
      const content: Content =
        request.counter === undefined
          ? { kind: "value", value: request.value }
          : { kind: "counter", count: request.counter };
      return seen && write(seen, step, { content, expireAt });
    }
    case "delete": {
      const checked = check(step, request.condition);
      if (checked === undefined || (answer?.type === "delete" && answer.existed !== (step.live !== undefined))) {
        return undefined;
      }
      const seen =
        answer?.type === "delete" && request.isTake ? see({ ...step, state: checked }, answer.entry) : checked;
      return seen && withItem(seen, undefined);
    }
    case "incr":
      return increment(step, request, answer?.type === "incr" ? answer : undefined);
    case "touch":
      return touch(step, request, answer?.type === "touch" ? answer : undefined);
  }
}

/** The state, given that this is what an operation has found there; undefined when it cannot have. */
function see({ state, live, facts }: Step, entry: SeenEntry | undefined): KeyState | undefined {
  if (entry === undefined || live === undefined) {
    return entry === undefined && live === undefined ? state : undefined;
  }
  const { content, expireAt } = live;
  const same =
    content.kind === "value"
      ? entry.content.kind === "value" && entry.content.value === content.value
      : entry.content.kind === "counter" && entry.content.count === content.count;
  return same && entry.expireAt === expireAt ? withEtag(state, entry.etag, facts.returned) : undefined;
}

type Incr = Extract<Request, { readonly type: "incr" }>;

function increment(
  step: Step,
  request: Incr,
  answer: Extract<Answer, { readonly type: "incr" }> | undefined,
): KeyState | undefined {
  const count = countAfter(step.live, request);
  if (count === undefined || !inBounds(count, request)) {
    return undefined;
  }
  const created = request.expiryIfCreated ?? request.expiry;
  const expireAt =
    step.live === undefined
      ? toTime(created)
      : request.expiry === undefined
        ? step.live.expireAt
        : toTime(request.expiry);
  const isTold = answer !== undefined && answer.expireAt !== "untold";
  if ((answer !== undefined && answer.count !== count) || (isTold && answer.expireAt !== expireAt)) {
    return undefined;
  }
  return write(step.state, step, { content: { kind: "counter", count }, expireAt });
}

/** Undefined on a key that holds a value. */
function countAfter(live: Item | undefined, { delta }: Incr): bigint | undefined {
  if (live === undefined) {
    return delta;
  }
  return live.content.kind === "counter" ? live.content.count + delta : undefined;
}

function inBounds(count: bigint, { min = -(2n ** 63n), max = 2n ** 63n - 1n }: Incr): boolean {
  return count >= min && count <= max;
}

function touch(
  step: Step,
  request: Extract<Request, { readonly type: "touch" }>,
  answer: Extract<Answer, { readonly type: "touch" }> | undefined,
): KeyState | undefined {
  const checked = check(step, request.condition);
  if (checked === undefined || (answer !== undefined && answer.existed !== (step.live !== undefined))) {
    return undefined;
  }
  if (step.live === undefined) {
    return checked;
  }
  const isUnchanged = answer?.isUnchanged === true;
  if (!mayTouch(step, step.live, request, isUnchanged)) {
    return undefined;
  }
  if (isUnchanged) {
    const { etag, expireAt } = answer;
    const isSame = expireAt === step.live.expireAt && (!request.isRead || answer.entry !== undefined);
    const seen = request.isRead ? see({ ...step, state: checked }, answer.entry) : checked;
    return isSame && seen && withEtag(seen, etag ?? "", step.facts.returned) ? seen : undefined;
  }
  const expireAt = toTime(request.expiry);
  if (answer !== undefined && answer.expireAt !== expireAt) {
    return undefined;
  }
  const next = write(checked, step, { content: step.live.content, expireAt });
  if (answer === undefined || !request.isRead) {
    return next;
  }
  // It may expire before its caller is told of it, but what it says is how the write has left it.
  return see({ ...step, state: next, live: next.item }, answer.entry);
}

/** Whether the time that is left lets a touch change the entry, or leave it, at some moment of the operation. */
function mayTouch(
  { operation: { clockFrom, clockTo, result } }: Step,
  { expireAt }: Item,
  { ifRemainingBelow }: Extract<Request, { readonly type: "touch" }>,
  isUnchanged: boolean,
): boolean {
  if (ifRemainingBelow === undefined) {
    return !isUnchanged;
  }
  if (isUnchanged) {
    return expireAt === undefined || expireAt - clockFrom >= ifRemainingBelow;
  }
  const latest = result.outcome === "unknown" ? Number.POSITIVE_INFINITY : clockTo;
  return expireAt !== undefined && expireAt - latest < ifRemainingBelow;
}

/** The state, given that the condition held; undefined when it did not. */
function check({ state, live, facts }: Step, condition: Condition | undefined): KeyState | undefined {
  switch (condition?.test) {
    case undefined:
      return state;
    case "absent":
      return live === undefined ? state : undefined;
    case "present":
      return live === undefined ? undefined : state;
    case "etag":
      return live === undefined ? undefined : withEtag(state, condition.etag, facts.returned);
  }
}

function write(state: KeyState, { operation }: Step, item: Omit<Item, "etag">): KeyState {
  return withItem(state, { ...item, etag: returnedEtag(operation) ?? operation.id });
}

function refuse(
  { state, live, facts }: Step,
  request: Request,
  { reason, currentEtag }: Extract<Result, { readonly outcome: "refused" }>,
): KeyState | undefined {
  const condition = request.type === "get" || request.type === "incr" ? undefined : request.condition;
  const claimed = currentEtag === undefined ? state : withEtag(state, currentEtag, facts.returned);
  switch (reason) {
    case "ALREADY_EXISTS":
      return condition?.test === "absent" && live !== undefined ? claimed : undefined;
    case "NOT_PRESENT":
      return condition?.test === "present" && live === undefined ? state : undefined;
    case "ETAG_MISMATCH":
      return condition?.test === "etag" && mismatches(live, condition.etag, currentEtag) ? claimed : undefined;
    case "WRONG_KIND":
      return request.type === "incr" && live?.content.kind === "value" ? claimed : undefined;
    case "OUT_OF_BOUNDS": {
      const count = request.type === "incr" ? countAfter(live, request) : undefined;
      return request.type === "incr" && count !== undefined && !inBounds(count, request) ? state : undefined;
    }
  }
}

/** Without a current etag the key may hold nothing, or the server could not read it again. */
function mismatches(live: Item | undefined, wanted: string, current: string | undefined): boolean {
  return current === undefined ? live?.etag !== wanted : live !== undefined && current !== wanted;
}

function toTime(expiry: Expiry | undefined): number | undefined {
  return typeof expiry === "number" ? expiry : undefined;
}
