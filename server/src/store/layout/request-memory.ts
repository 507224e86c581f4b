import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type RequestId, timeOf } from "./request-id.js";

/** The last increment of a writer that was applied, and the counter after it. */
export interface Slot {
  readonly writer: string;
  readonly sequence: bigint;
  readonly result: bigint;
}

/**
 * What an item remembers of the increments that were applied to it: docs/exactly-once.md. It lies in one map attribute:
 * two numbers for each writer, and the two entries named below, whose names cannot be those of writers.
 */
export interface RequestMemory {
  readonly slots: ReadonlyMap<string, Slot>;
  /** The highest sequence that was ever removed: what is not above it, and in no slot, may have been applied. */
  readonly floor: bigint;
  /** Whether the key was deleted, and the item kept for this memory alone. */
  readonly gone: boolean;
  /** How many entries the map has, as DynamoDB's `size` counts them. */
  readonly entries: number;
}

const floorEntry = "floor";
export const goneEntry = "gone";
const resultEntry = (writer: string) => `${writer}=`;

/** What the attribute holds; undefined without one. What others may have put there is passed over. */
export function readMemory(attribute: AttributeValue | undefined): RequestMemory | undefined {
  if (attribute === undefined) {
    return undefined;
  }
  const map = attribute.M ?? {};
  const slots = new Map<string, Slot>();
  for (const writer of Object.keys(map)) {
    const sequence = wholeNumber(map[writer]);
    const result = wholeNumber(map[resultEntry(writer)]);
    if (sequence !== undefined && result !== undefined) {
      slots.set(writer, { writer, sequence, result });
    }
  }
  return {
    slots,
    floor: wholeNumber(map[floorEntry]) ?? -1n,
    gone: map[goneEntry] !== undefined,
    entries: Object.keys(map).length,
  };
}

function wholeNumber(attribute: AttributeValue | undefined): bigint | undefined {
  const text = attribute?.N;
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

/** The map of an item in which one request is all that was ever applied. */
export function firstMemory({ writer, sequence }: RequestId, result: bigint): AttributeValue {
  return { M: { [writer]: { N: sequence.toString() }, [resultEntry(writer)]: { N: result.toString() } } };
}

/** How requests of different writers are looked for, and remembered, in one update. */
export interface SlotExpressions {
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
  /** True unless one of the requests, or a later one of its writer, was applied, or may have been and was forgotten. */
  readonly areNew: string;
  /** Remembers them with their results, as operands of the update. */
  remember(results: readonly string[]): string;
}

/** The placeholders are `#h0` (the first writer's sequence), `#r0` (its result), `:q0`, and so on, and `#f` (the floor). */
export function slotExpressions(ids: readonly RequestId[]): SlotExpressions {
  const names: Record<string, string> = { "#f": floorEntry };
  const values: Record<string, AttributeValue> = {};
  let lowest = 0;
  for (const [index, { writer, sequence }] of ids.entries()) {
    names[`#h${index}`] = writer;
    names[`#r${index}`] = resultEntry(writer);
    values[`:q${index}`] = { N: sequence.toString() };
    if (sequence < (ids[lowest]?.sequence ?? sequence)) {
      lowest = index;
    }
  }
  return {
    names,
    values,
    areNew: [`NOT #s.#f >= :q${lowest}`, ...ids.map((_, index) => `NOT #s.#h${index} >= :q${index}`)].join(" AND "),
    remember: (results) =>
      results.map((result, index) => `#s.#h${index} = :q${index}, #s.#r${index} = ${result}`).join(", "),
  };
}

/** The limit of {@link RequestMemory.entries} for so many writers: DynamoDB counts the entries, not the pairs. */
export function maxEntries(writers: number): number {
  return writers * 2;
}

/** The slots that nothing within the window can ask for. */
export function deadSlots({ slots }: RequestMemory, windowMs: number, nowMs: number): Slot[] {
  return [...slots.values()].filter(({ sequence }) => timeOf(sequence) < nowMs - windowMs);
}

/**
 * The time of the youngest id that is remembered, or was. Two windows after it the memory can go: until then a replica whose
 * clock is behind, or a request that is late, may ask for what is in it.
 */
export function forgettableFrom({ slots, floor }: RequestMemory, windowMs: number): number {
  const youngest = [...slots.values()].reduce(
    (highest, { sequence }) => (sequence > highest ? sequence : highest),
    floor,
  );
  return timeOf(youngest) + 2 * windowMs;
}

/** Removes slots and raises the floor to the highest of them, provided that each is still as it was seen. */
export function pruneExpressions(slots: readonly Slot[]) {
  const names: Record<string, string> = { "#f": floorEntry };
  const floor = slots.reduce((highest, { sequence }) => (sequence > highest ? sequence : highest), 0n);
  const values: Record<string, AttributeValue> = { ":floor": { N: floor.toString() } };
  const removed: string[] = [];
  const conditions = ["NOT #s.#f > :floor"];
  for (const [index, { writer, sequence }] of slots.entries()) {
    names[`#h${index}`] = writer;
    names[`#r${index}`] = resultEntry(writer);
    values[`:h${index}`] = { N: sequence.toString() };
    removed.push(`#s.#h${index}, #s.#r${index}`);
    conditions.push(`#s.#h${index} = :h${index}`);
  }
  return {
    update: `SET #s.#f = :floor REMOVE ${removed.join(", ")}`,
    condition: conditions.join(" AND "),
    names,
    values,
  };
}
