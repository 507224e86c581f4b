import {
  type ArchiveWrite,
  etagOf,
  type Increment,
  type IncrementWrite,
  type Item,
  isExpired,
  isFull,
  type Memory,
  mindsFloor,
  never,
  type Overwrite,
  type Slot,
  type Slots,
  slotsOf,
  stepOf,
  type TrimWrite,
} from "./dynamodb.js";
import type { Bounds, Rules } from "./rules.js";

export type Answer =
  | { readonly kind: "replayed"; readonly result: number }
  | { readonly kind: "too old" }
  | { readonly kind: "not applied"; readonly why: "wrong kind" | "item full" | "out of bounds" };

/** The archive is to be read next, before it can be said what to do about the item. */
export interface Lookup {
  readonly kind: "lookup";
}

/** What a replica does first for an increment: it adds, or looks for an id that is too old to be added. */
export function firstRequest(increment: Increment, now: number, rules: Rules, bounds: Bounds): "update" | "read" {
  return rules.ageCheckedOnUpdate && isOld(increment.sequence, now, 1, bounds) ? "read" : "update";
}

/**
 * What a replica does with an increment that was refused, when it has read the item: look into the archive, ask for more, or
 * answer. `archived` is what the archive held, undefined when it was not read yet.
 */
export function afterRead(
  item: Item | undefined,
  { writer, sequence, delta }: Increment,
  archived: Slot | "nothing" | undefined,
  now: number,
  rules: Rules,
  bounds: Bounds,
): IncrementWrite | Answer | Lookup {
  const memory = item?.memory;
  const last = memory?.slots[writer];
  if (rules.slotCondition !== "none" && last?.sequence === sequence) {
    return { kind: "replayed", result: last.result };
  }
  if (archived !== undefined && archived !== "nothing") {
    return { kind: "replayed", result: archived.result };
  }
  const old = isOld(sequence, now, 1, bounds);
  const isOwn = writer < bounds.own;
  const isBelow = memory !== undefined && mindsFloor(writer, rules, bounds) && memory.floor >= sequence;
  const exceeds = item !== undefined && !isExpired(item, now) && item.count + delta > (bounds.most ?? never * never);
  if (archived === undefined && !isOwn && (isBelow || old) && !(rules.boundsBeforeArchive && exceeds)) {
    return { kind: "lookup" };
  }
  const passed = rules.slotCondition === "below" && last !== undefined && last.sequence > sequence;
  const dropped = rules.droppedRefuses && (memory?.lost ?? 0) >= sequence;
  const begins = memory === undefined;
  if (passed || dropped || (old && (begins ? rules.ageCheckedOnCreate : rules.ageCheckedOnUpdate))) {
    return { kind: "too old" };
  }
  if (item === undefined) {
    return { kind: "create", now };
  }
  if (!isExpired(item, now) && item.kind === "value") {
    return { kind: "not applied", why: "wrong kind" };
  }
  if (exceeds) {
    return { kind: "not applied", why: "out of bounds" };
  }
  if (memory === undefined) {
    return { kind: "adopt", now };
  }
  if (isFull(memory, writer, bounds.slots)) {
    return { kind: "not applied", why: "item full" };
  }
  return { kind: isExpired(item, now) ? "restart" : "update", now, epoch: isBelow ? memory.epoch : undefined };
}

/**
 * What makes room in an item: the slots that nobody can ask for any more are dropped, and of the callers' all but the youngest
 * move to the archive, or only the last of these, where the others could not be written there.
 */
export function trimsOf(
  item: Item | undefined,
  now: number,
  rules: Rules,
  bounds: Bounds,
): { readonly archive: ArchiveWrite; readonly trim: TrimWrite }[] {
  const memory = item?.memory;
  if (!memory) {
    return [];
  }
  const isDead = (slot: Slot) => isOld(slot.sequence, now, rules.droppedAfter, bounds);
  const dropped = memory.slots.map((slot) => (slot && isDead(slot) ? slot : undefined));
  const movable = memory.slots.map((slot, at) => (slot && !isDead(slot) && at >= bounds.own ? slot : undefined));
  const sequences = movable.flatMap((slot) => (slot ? [slot.sequence] : [])).sort((a, b) => a - b);
  const last = sequences.at(-1 - bounds.kept) ?? 0;
  const moved = movable.map((slot) => (slot && slot.sequence <= last ? slot : undefined));
  if (highest(moved) === 0 && highest(dropped) === 0) {
    return [];
  }
  const only = moved.map((slot) => (slot?.sequence === last ? slot : undefined));
  const isPart = slotsIn(only) < slotsIn(moved);
  return [moved, ...(isPart ? [only] : [])].map((each) => trimOf(memory, each, dropped, now, rules));
}

const slotsIn = (slots: Slots) => slots.filter((slot) => slot !== undefined).length;

function trimOf(
  memory: Memory,
  moved: Slots,
  dropped: Slots,
  now: number,
  rules: Rules,
): { readonly archive: ArchiveWrite; readonly trim: TrimWrite } {
  const lost = Math.max(memory.lost, highest(dropped));
  const removed = Math.max(memory.floor, highest(moved), lost);
  const floors = { "highest removed": removed, clock: Math.max(now * 8, removed), unchanged: memory.floor };
  const floor = floors[rules.trimmedFloor];
  return { archive: { kind: "archive", slots: moved }, trim: { kind: "trim", moved, dropped, floor, lost } };
}

/** Whether an archived id may have gone from the archive. */
export function mayExpire({ sequence }: Slot, now: number, rules: Rules, bounds: Bounds): boolean {
  return stepOf(sequence) + rules.archiveLives * bounds.window < now;
}

/** What another client's Delete sends when it has read the item; undefined when there is nothing to delete. */
export function deleteOf(item: Item | undefined, now: number, rules: Rules, bounds: Bounds): Overwrite | undefined {
  if (!item || isExpired(item, now)) {
    return undefined;
  }
  const { memory } = item;
  const seen = etagOf(item);
  if (!memory || !rules.deleteKeepsMemory || mayDrop(memory, now, rules, bounds)) {
    return { kind: "overwrite", seen, becomes: undefined };
  }
  const from = rules.goneCountsFrom === "deletion" ? now : stepOf(youngest(memory, rules));
  return { kind: "overwrite", seen, becomes: { kind: "gone", expires: from + 2 * bounds.window, memory } };
}

/** What another client's Set sends when it has read the item. */
export function setOf(item: Item | undefined, now: number, rules: Rules, bounds: Bounds): Overwrite {
  const memory = item?.memory;
  const kept = memory && rules.setKeepsMemory && !mayDrop(memory, now, rules, bounds);
  const becomes = { kind: "value", expires: never, memory: kept ? memory : undefined } as const;
  return { kind: "overwrite", seen: etagOf(item), becomes };
}

/** Whether the reaper removes the item. The rest of a deleted counter may also go by DynamoDB's TTL: as soon as it is expired. */
export function mayReap(item: Item, now: number, rules: Rules, bounds: Bounds): boolean {
  if (item.kind === "gone") {
    // Strictly: at this very step an id of the same step may still be within the window elsewhere.
    return item.expires < now;
  }
  if (rules.reaperWaitsFor === "a window") {
    return item.expires < now - bounds.window;
  }
  return item.expires <= now && (item.memory === undefined || mayDrop(item.memory, now, rules, bounds));
}

function mayDrop(memory: Memory, now: number, rules: Rules, bounds: Bounds): boolean {
  return isOld(youngest(memory, rules), now, rules.droppedAfter, bounds);
}

function youngest(memory: Memory, rules: Rules): number {
  const floor = rules.floorKeepsMemory ? memory.floor : 0;
  return Math.max(floor, ...slotsOf(memory).map((slot) => slot.sequence));
}

function highest(slots: Slots): number {
  return Math.max(0, ...slots.map((slot) => slot?.sequence ?? 0));
}

function isOld(sequence: number, now: number, windows: number, bounds: Bounds): boolean {
  return stepOf(sequence) < now - windows * bounds.window;
}
