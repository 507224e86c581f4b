import type { Bounds, Rules } from "./rules.js";

export interface Slot {
  readonly sequence: number;
  readonly result: number;
}

/** Slots by writer. */
export type Slots = readonly (Slot | undefined)[];

/** The map of the item: its slots, the highest sequence that was removed, and that was dropped unarchived, 0 when there is none. */
export interface Memory {
  readonly slots: Slots;
  readonly floor: number;
  readonly lost: number;
  /** How often something was removed. */
  readonly epoch: number;
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
  /** For an id that is not above the floor, and was not found in the archive: the epoch before it was looked for. */
  readonly epoch?: number | undefined;
}

/** Writes slots into the archive. */
export interface ArchiveWrite {
  readonly kind: "archive";
  readonly slots: Slots;
}

/** Removes slots: those that were archived, and those that are dropped. */
export interface TrimWrite {
  readonly kind: "trim";
  readonly moved: Slots;
  readonly dropped: Slots;
  readonly floor: number;
  readonly lost: number;
}

/** A Set or a Delete: what the item shall become if it is as it was seen. */
export interface Overwrite {
  readonly kind: "overwrite";
  readonly seen: string;
  readonly becomes: Pick<Item, "kind" | "expires" | "memory"> | undefined;
}

const emptyMemory: Memory = { slots: [], floor: 0, lost: 0, epoch: 0 };

export const slotsOf = (memory: Memory | undefined) => (memory?.slots ?? []).filter((slot) => slot !== undefined);

/** Whether an increment must be above the floor: a caller's must, since its slot may be in the archive. */
export const mindsFloor = (writer: number, rules: Rules, bounds: Bounds) =>
  rules.floorCondition && writer >= bounds.own;

/** All that a condition can see of an item. */
export function etagOf(item: Item | undefined): string {
  if (item === undefined) {
    return "-";
  }
  const { memory } = item;
  const rest = memory ? `${textOf(memory.slots)}/${memory.floor}/${memory.lost}/${memory.epoch}` : "";
  return `${item.kind}/${item.count}/${item.expires}/${rest}`;
}

export function textOf(slots: Slots): string {
  return slots.map((slot) => (slot ? `${slot.sequence}=${slot.result}` : "")).join();
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
  if (!item.memory || !mayAdd(item.memory, increment, write.epoch, rules, bounds)) {
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

function mayAdd(
  memory: Memory,
  { writer, sequence }: Increment,
  epoch: number | undefined,
  rules: Rules,
  bounds: Bounds,
): boolean {
  const last = memory.slots[writer]?.sequence;
  if (rules.slotCondition === "below" && last !== undefined && last >= sequence) {
    return false;
  }
  if (rules.slotCondition === "differs" && last === sequence) {
    return false;
  }
  if (epoch !== undefined) {
    return !(rules.epochCondition && memory.epoch !== epoch) && !isFull(memory, writer, bounds.slots);
  }
  const isBelow = mindsFloor(writer, rules, bounds)
    ? memory.floor >= sequence
    : rules.droppedRefuses && memory.lost >= sequence;
  return !isBelow && !isFull(memory, writer, bounds.slots);
}

function remember(memory: Memory, { writer, sequence }: Increment, result: number): Memory {
  const slots = Array.from({ length: Math.max(memory.slots.length, writer + 1) }, (_, at) => memory.slots[at]);
  slots[writer] = { sequence, result };
  return { ...memory, slots };
}

/** Applies a trim; undefined when its condition is not met. */
export function applyTrim(item: Item | undefined, write: TrimWrite, rules: Rules): Item | undefined {
  const memory = item?.memory;
  const unchanged = (slot: Slot | undefined, at: number) =>
    slot === undefined || memory?.slots[at]?.sequence === slot.sequence;
  if (!item || !memory) {
    return undefined;
  }
  if (rules.trimComparesFloor && (memory.floor > write.floor || memory.lost > write.lost)) {
    return undefined;
  }
  if (rules.trimComparesSlots && !write.dropped.every(unchanged)) {
    return undefined;
  }
  const slots = memory.slots.map((slot, at) => (write.moved[at] || write.dropped[at] ? undefined : slot));
  const epoch = memory.epoch + (rules.trimCounts ? 1 : 0);
  return { ...item, memory: { slots, floor: write.floor, lost: write.lost, epoch } };
}
