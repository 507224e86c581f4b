import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { int64 } from "../../../../common/int64.js";
import { bytesOf, idBytes, type RequestId, sequenceIn, timeOf } from "./request-id.js";

/** An increment that was applied, and the counter after it. */
export interface Slot {
  /** A caller's: the bytes of its id in base64. A server's own: its writer. */
  readonly name: string;
  readonly isOwn: boolean;
  readonly sequence: bigint;
  readonly result: bigint;
}

/**
 * Deduplication state of a counter's item: docs/exactly-once.md. It lies in one map attribute:
 * a number for each caller's id, two for each writer of a server's own, and the entries named below.
 */
export interface DedupState {
  readonly slots: ReadonlyMap<string, Slot>;
  /** The highest sequence that was ever removed: a caller's id that is not above it, and in no slot, may be in the archive. */
  readonly floor: bigint;
  /** The highest sequence that was removed without having been archived. */
  readonly lost: bigint;
  /** Number of trims. */
  readonly epoch: bigint;
  /** True if the key was deleted, and the item kept for this memory alone. */
  readonly gone: boolean;
  /** Number of entries the map has, as DynamoDB's `size` counts them. */
  readonly entries: number;
}

const floorEntry = "floor";
const lostEntry = "lost";
const epochEntry = "epoch";
export const goneEntry = "gone";
/** The epoch millisecond from which the entry is gone, where there is one: the item stays for the dedup state beyond that. */
export const expiresEntry = "expires";
const ownResultEntry = (writer: string) => `${writer}=`;

/** In base64. The names of all other entries are shorter. */
const idNameLength = Math.ceil((idBytes * 4) / 3);

/** The name under which an id is remembered. */
export function slotName(id: RequestId): string {
  return id.isOwn ? id.writer : bytesOf(id).toString("base64url");
}

/** Reads the attribute; undefined without one. Foreign entries are ignored. */
export function readDedupState(attribute: AttributeValue | undefined): DedupState | undefined {
  const map = attribute?.M;
  if (attribute === undefined || map === undefined) {
    return attribute && { slots: new Map(), floor: -1n, lost: -1n, epoch: 0n, gone: false, entries: 0 };
  }
  const slots = new Map<string, Slot>();
  for (const name of Object.keys(map)) {
    const number = wholeNumber(map[name]);
    if (number === undefined) {
      continue;
    }
    if (name.length === idNameLength) {
      const sequence = sequenceIn(Buffer.from(name, "base64url"));
      slots.set(name, { name, isOwn: false, sequence, result: number });
    } else {
      const result = wholeNumber(map[ownResultEntry(name)]);
      if (result !== undefined) {
        slots.set(name, { name, isOwn: true, sequence: number, result });
      }
    }
  }
  return {
    slots,
    floor: wholeNumber(map[floorEntry]) ?? -1n,
    lost: wholeNumber(map[lostEntry]) ?? -1n,
    epoch: wholeNumber(map[epochEntry]) ?? 0n,
    gone: map[goneEntry] !== undefined,
    entries: Object.keys(map).length,
  };
}

function wholeNumber(attribute: AttributeValue | undefined): bigint | undefined {
  const text = attribute?.N;
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

/** Returns true if what is known of an id may have been moved out of the item. A server's own is never moved. */
export function mayBeArchived({ floor }: DedupState, { isOwn, sequence }: RequestId): boolean {
  return !isOwn && sequence <= floor;
}

/** The map of an item in which no request was applied yet. */
export function emptyMemory(expireAtMs: number | undefined): { M: Record<string, AttributeValue> } {
  return { M: expireAtMs === undefined ? {} : { [expiresEntry]: { N: expireAtMs.toString() } } };
}

/** The map of an item in which one request is all that was ever applied. */
export function firstMemory(id: RequestId, result: bigint, expireAtMs: number | undefined): AttributeValue {
  const value = { N: result.toString() };
  const slot: Record<string, AttributeValue> = id.isOwn
    ? { [id.writer]: { N: id.sequence.toString() }, [ownResultEntry(id.writer)]: value }
    : { [slotName(id)]: value };
  return { M: { ...emptyMemory(expireAtMs).M, ...slot } };
}

/**
 * Guards an update against ids that were moved to the archive: that it is above the floor; or, where it was looked for in
 * the archive in vain, that nothing was removed from the item since before that, when the epoch was this.
 */
export type Fence = "floor" | { readonly epoch: bigint };

/** Expression parts that check for and record request ids in one update. */
export interface SlotExpressions {
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
  /** True unless one of the requests was applied, or may have been and cannot be found any more. */
  readonly areNew: string;
  readonly entries: number;
  /** Remembers them with their results, as operands of the update. */
  remember(results: readonly string[]): string;
}

/**
 * The placeholders are `#h0` (the first id's entry), and for one of the server's own `#r0` (its result) and `:q0` (its
 * sequence), and so on; `#f`, `#l` and `#p` are floor, lost and epoch.
 */
export function slotExpressions(ids: readonly RequestId[], fence: Fence): SlotExpressions {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const conditions: string[] = [];
  let lowest: bigint | undefined;
  let entries = 0;
  for (const [index, id] of ids.entries()) {
    const name = slotName(id);
    names[`#h${index}`] = name;
    entries++;
    if (id.isOwn) {
      entries++;
      names[`#r${index}`] = ownResultEntry(name);
      names["#l"] = lostEntry;
      values[`:q${index}`] = { N: id.sequence.toString() };
      conditions.push(`NOT #s.#h${index} >= :q${index} AND NOT #s.#l >= :q${index}`);
    } else {
      lowest = lowest === undefined || id.sequence < lowest ? id.sequence : lowest;
      // It is there if it is a number. The embedded engine takes several times as long to parse attribute_not_exists.
      values[":least"] = { N: int64.min.toString() };
      conditions.push(`NOT #s.#h${index} >= :least`);
    }
  }
  if (fence !== "floor") {
    names["#p"] = epochEntry;
    values[":epoch"] = { N: fence.epoch.toString() };
    conditions.push("#s.#p = :epoch");
  } else if (lowest !== undefined) {
    names["#f"] = floorEntry;
    values[":lowest"] = { N: lowest.toString() };
    conditions.push("NOT #s.#f >= :lowest");
  }
  return {
    names,
    values,
    areNew: conditions.join(" AND "),
    entries,
    remember: (results) =>
      results
        .map((result, index) =>
          ids[index]?.isOwn ? `#s.#h${index} = :q${index}, #s.#r${index} = ${result}` : `#s.#h${index} = ${result}`,
        )
        .join(", "),
  };
}

/**
 * The time of the youngest id that is remembered, or was. Two windows after it the memory can go: until then a replica whose
 * clock is behind, or a request that is late, may ask for what is in it.
 */
export function forgettableFrom({ slots, floor }: DedupState, windowMs: number): number {
  return timeOf(highestOf([...slots.values()], floor)) + 2 * windowMs;
}

function highestOf(slots: readonly Slot[], least: bigint): bigint {
  return slots.reduce((highest, { sequence }) => (sequence > highest ? sequence : highest), least);
}

export interface Trim {
  /** Slots that have to be archived first. */
  readonly moved: readonly Slot[];
  /** Slots older than any valid request. */
  readonly dropped: readonly Slot[];
}

/** So many servers' own slots that nobody can ask for are worth a request that drops them. */
const worthDropping = 16;
/** The most of either in one trim, for which an expression has room. */
const mostMoved = 150;
const mostDropped = 32;

/** With fewer entries than this an item has nothing that is worth a trim. */
export function fewestWorthTrimming(maxSlots: number): number {
  return Math.min(maxSlots, 2 * worthDropping);
}

/** Thresholds of trimming. */
export interface TrimLimits {
  readonly windowMs: number;
  /** So many callers' slots are worth moving. A quarter stays, so that who is a little behind seldom needs the archive. */
  readonly maxSlots: number;
}

/**
 * Plans a trim: slots that are older than two windows, and of the callers' all but the youngest. Undefined when
 * there is little, or with `needed` when there is nothing.
 */
export function planTrim(
  { slots }: DedupState,
  { windowMs, maxSlots }: TrimLimits,
  nowMs: number,
  needed = false,
): Trim | undefined {
  const isDead = ({ sequence }: Slot) => timeOf(sequence) < nowMs - 2 * windowMs;
  const all = [...slots.values()].sort((a, b) => (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0));
  const dead = all.filter(isDead).slice(0, mostDropped);
  const callers = all.filter((slot) => !slot.isOwn && !isDead(slot));
  const kept = Math.floor(maxSlots / 4);
  const isMany = callers.length >= (needed ? kept + 1 : maxSlots);
  const moved = isMany ? callers.slice(0, callers.length - kept).slice(0, mostMoved) : [];
  if (moved.length === 0 && dead.length < (needed ? 1 : worthDropping)) {
    return undefined;
  }
  return { moved, dropped: dead };
}

/** Removes slots, provided that a server's own that is dropped is as it was seen. A caller's never changes. */
export function trimExpressions(memory: DedupState, { moved, dropped }: Trim) {
  const lost = highestOf(dropped, memory.lost);
  const floor = highestOf(moved, lost > memory.floor ? lost : memory.floor);
  const names: Record<string, string> = { "#f": floorEntry, "#l": lostEntry, "#p": epochEntry };
  const values: Record<string, AttributeValue> = {
    ":floor": { N: floor.toString() },
    ":zero": { N: "0" },
    ":one": { N: "1" },
  };
  const sets = ["#s.#f = :floor", "#s.#p = if_not_exists(#s.#p, :zero) + :one"];
  const removed: string[] = [];
  // A nested entry cannot be set where there is no map. Two that trim at once must not lower the floor.
  const conditions = ["attribute_exists(#s)", "NOT #s.#f > :floor"];
  if (dropped.length > 0) {
    values[":lost"] = { N: lost.toString() };
    sets.push("#s.#l = :lost");
    conditions.push("NOT #s.#l > :lost");
  } else {
    delete names["#l"];
  }
  for (const [index, { name, isOwn, sequence }] of [...moved, ...dropped].entries()) {
    names[`#h${index}`] = name;
    removed.push(`#s.#h${index}`);
    if (isOwn) {
      names[`#r${index}`] = ownResultEntry(name);
      values[`:h${index}`] = { N: sequence.toString() };
      removed.push(`#s.#r${index}`);
      conditions.push(`#s.#h${index} = :h${index}`);
    }
  }
  return {
    update: `SET ${sets.join(", ")} REMOVE ${removed.join(", ")}`,
    condition: conditions.join(" AND "),
    names,
    values,
  };
}
