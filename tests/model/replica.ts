import {
  etagOf,
  type Increment,
  type IncrementWrite,
  type Item,
  isExpired,
  isFull,
  type Memory,
  never,
  type Overwrite,
  type PruneWrite,
  slotsOf,
  stepOf,
} from "./dynamodb.js";
import type { Bounds, Rules } from "./rules.js";

export type Answer =
  | { readonly kind: "replayed"; readonly result: number }
  | { readonly kind: "too old" }
  | { readonly kind: "not applied"; readonly why: "wrong kind" | "window full" | "out of bounds" };

/** What a replica does first for an increment: it adds, or looks for an id that is too old to be added. */
export function firstRequest(increment: Increment, now: number, rules: Rules, bounds: Bounds): "update" | "read" {
  return rules.ageCheckedOnUpdate && isOld(increment.sequence, now, 1, bounds) ? "read" : "update";
}

/** What a replica does with an increment that was refused, when it has read the item: ask for more, or answer. */
export function afterRead(
  item: Item | undefined,
  { writer, sequence, delta }: Increment,
  now: number,
  rules: Rules,
  bounds: Bounds,
): IncrementWrite | Answer {
  const last = item?.memory?.slots[writer];
  if (rules.slotCondition !== "none" && last?.sequence === sequence) {
    return { kind: "replayed", result: last.result };
  }
  const passed = rules.slotCondition === "below" && last !== undefined && last.sequence > sequence;
  const pruned = rules.floorCondition && (item?.memory?.floor ?? 0) >= sequence;
  const old = isOld(sequence, now, 1, bounds);
  const begins = item?.memory === undefined;
  if (passed || pruned || (old && (begins ? rules.ageCheckedOnCreate : rules.ageCheckedOnUpdate))) {
    return { kind: "too old" };
  }
  if (item === undefined) {
    return { kind: "create", now };
  }
  if (!isExpired(item, now) && item.kind === "value") {
    return { kind: "not applied", why: "wrong kind" };
  }
  if (!isExpired(item, now) && item.count + delta > (bounds.most ?? never * never)) {
    return { kind: "not applied", why: "out of bounds" };
  }
  if (item.memory === undefined) {
    return { kind: "adopt", now };
  }
  if (isFull(item.memory, writer, bounds.slots)) {
    return { kind: "not applied", why: "window full" };
  }
  return { kind: isExpired(item, now) ? "restart" : "update", now };
}

/** The update that removes all slots that are older than the window; undefined when there is none. */
export function pruneOf(item: Item | undefined, now: number, rules: Rules, bounds: Bounds): PruneWrite | undefined {
  const memory = item?.memory;
  const seen = (memory?.slots ?? []).map((slot) => (slot && isOld(slot.sequence, now, 1, bounds) ? slot : undefined));
  const highest = Math.max(0, ...seen.map((slot) => slot?.sequence ?? 0));
  if (!memory || highest === 0) {
    return undefined;
  }
  const floors = { "highest pruned": highest, clock: now * 8, unchanged: memory.floor };
  return { kind: "prune", seen, floor: floors[rules.prunedFloor] };
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

function isOld(sequence: number, now: number, windows: number, bounds: Bounds): boolean {
  return stepOf(sequence) < now - windows * bounds.window;
}
