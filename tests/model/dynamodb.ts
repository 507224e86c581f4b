import type { Bounds, Rules } from "./rules.js";

export interface Slot {
  readonly sequence: number;
  readonly result: number;
}

/** The map of the item: the slots by writer, and the floor, 0 when there is none. */
export interface Memory {
  readonly slots: readonly (Slot | undefined)[];
  readonly floor: number;
}

export interface Item {
  readonly kind: "counter" | "value" | "gone";
  readonly count: number;
  /** The step from which it is expired. */
  readonly expires: number;
  readonly memory: Memory | undefined;
  /** Which life of the counter it is, and what Celery added in it: known to the checks alone. */
  readonly life: number;
  readonly celery: number;
}

export const never = 999;

/** One increment, as the caller sends it. Deltas are powers of two, so that a sum tells what is in it. */
export interface Increment {
  readonly writer: number;
  readonly sequence: number;
  readonly delta: number;
}

/** A sequence holds the step of its clock and the place among its writer's ids. */
export const sequenceAt = (step: number, place: number) => step * 8 + place;
export const stepOf = (sequence: number) => sequence >> 3;

/** What a replica sends for an increment. `now` is its clock when it made the request, as all parameters are. */
export interface IncrementWrite {
  readonly kind: "update" | "create" | "restart" | "adopt";
  readonly now: number;
}

/** Removes the slots that were seen, and raises the floor. */
export interface PruneWrite {
  readonly kind: "prune";
  readonly seen: readonly (Slot | undefined)[];
  readonly floor: number;
}

/** A Set or a Delete: what the item shall become if it is as it was seen. */
export interface Overwrite {
  readonly kind: "overwrite";
  readonly seen: string;
  readonly becomes: Pick<Item, "kind" | "expires" | "memory"> | undefined;
}

const emptyMemory: Memory = { slots: [], floor: 0 };

export const slotsOf = (memory: Memory | undefined) => (memory?.slots ?? []).filter((slot) => slot !== undefined);

/** All that a condition can see of an item. */
export function etagOf(item: Item | undefined): string {
  if (item === undefined) {
    return "-";
  }
  const slots = item.memory?.slots.map((slot) => (slot ? `${slot.sequence}=${slot.result}` : "")).join();
  return `${item.kind}/${item.count}/${item.expires}/${item.memory ? `${slots}/${item.memory.floor}` : ""}`;
}

export function isExpired(item: Item, now: number): boolean {
  return item.kind === "gone" || item.expires <= now;
}

export function isFull(memory: Memory, writer: number, limit: number): boolean {
  return memory.slots[writer] === undefined && slotsOf(memory).length >= limit;
}

/** Applies an increment's request; undefined when its condition is not met. */
export function applyIncrement(
  item: Item | undefined,
  write: IncrementWrite,
  increment: Increment,
  lives: number,
  rules: Rules,
  bounds: Bounds,
): Item | undefined {
  const { now } = write;
  const expires = bounds.lifetime === undefined ? never : now + bounds.lifetime;
  const anew = { kind: "counter", count: increment.delta, expires, life: lives + 1, celery: 0 } as const;
  if (write.kind === "create") {
    return item ? undefined : { ...anew, memory: remember(emptyMemory, increment, increment.delta) };
  }
  if (item === undefined) {
    return undefined;
  }
  if (write.kind === "adopt") {
    return item.memory ? undefined : { ...item, memory: emptyMemory };
  }
  if (!item.memory || !mayAdd(item.memory, increment, rules, bounds)) {
    return undefined;
  }
  if (write.kind === "restart") {
    const kept = rules.restartKeepsMemory ? item.memory : emptyMemory;
    return isExpired(item, now) ? { ...anew, memory: remember(kept, increment, increment.delta) } : undefined;
  }
  const count = item.count + increment.delta;
  if (item.kind !== "counter" || item.expires <= now || count > (bounds.most ?? count)) {
    return undefined;
  }
  return { ...item, count, memory: remember(item.memory, increment, count) };
}

function mayAdd(memory: Memory, { writer, sequence }: Increment, rules: Rules, bounds: Bounds): boolean {
  const last = memory.slots[writer]?.sequence;
  if (rules.slotCondition === "below" && last !== undefined && last >= sequence) {
    return false;
  }
  if (rules.slotCondition === "differs" && last === sequence) {
    return false;
  }
  return !(rules.floorCondition && memory.floor >= sequence) && !isFull(memory, writer, bounds.slots);
}

function remember(memory: Memory, { writer, sequence }: Increment, result: number): Memory {
  const slots = Array.from({ length: Math.max(memory.slots.length, writer + 1) }, (_, at) => memory.slots[at]);
  slots[writer] = { sequence, result };
  return { slots, floor: memory.floor };
}

/** Applies a prune; undefined when its condition is not met. */
export function applyPrune(item: Item | undefined, { seen, floor }: PruneWrite, rules: Rules): Item | undefined {
  const memory = item?.memory;
  const unchanged = (slot: Slot | undefined, at: number) =>
    slot === undefined || memory?.slots[at]?.sequence === slot.sequence;
  if (!item || !memory || (rules.pruneComparesSlots && !seen.every(unchanged)) || memory.floor > floor) {
    return undefined;
  }
  const slots = memory.slots.map((slot, at) => (seen[at] ? undefined : slot));
  return { ...item, memory: { slots, floor } };
}
