import {
  type ArchiveWrite,
  etagOf,
  type Increment,
  type IncrementWrite,
  type Item,
  type Overwrite,
  type Slot,
  type Slots,
  type TrimWrite,
  textOf,
} from "./dynamodb.js";
import type { Bounds, Rules } from "./rules.js";

/** What became of one request id. */
export interface Id {
  readonly writer: number;
  readonly place: number;
  readonly delta: number;
  /** 0 until its writer has made it. */
  readonly sequence: number;
  readonly tries: number;
  /** The life of the counter that it was added to, 0 while it was not; and the counter after it. */
  readonly life: number;
  readonly result: number;
  /** Whether some try of it has ended, or goes on, without an answer. */
  readonly unknown: boolean;
  /** Whether its caller was told for sure that it was not applied. */
  readonly refused: boolean;
}

/** A request of a replica to DynamoDB that is in flight, and the call that waits for its answer. */
export interface Call {
  readonly id: number;
  readonly via: number;
  readonly hops: number;
  readonly sent: number;
  readonly write: IncrementWrite | ReadItem | ReadArchive;
}

/** Reads the item; `archived` is what the archive held, if that was read before. */
interface ReadItem {
  readonly kind: "read";
  readonly now: number;
  readonly archived?: Slot | "nothing";
}

/** Reads the archive; `item` is what was read of the item before. */
interface ReadArchive {
  readonly kind: "lookup";
  readonly now: number;
  readonly item: Item | undefined;
}

/** A request of somebody who is not incrementing. */
export interface Chore {
  readonly name: "Delete" | "Set" | "archive" | "trim";
  readonly sent: number;
  readonly write: Overwrite | ArchiveWrite | TrimWrite;
  /** What is sent when it is done. */
  readonly follows?: ArchiveWrite | TrimWrite;
}

export type Budget = Pick<Bounds, "deletes" | "sets" | "trims" | "touches" | "celery">;

export interface World {
  readonly time: number;
  readonly item: Item | undefined;
  /** What was moved out of the item. */
  readonly archive: Slots;
  /** How many lives the counter has had. */
  readonly lives: number;
  readonly ids: readonly Id[];
  readonly calls: readonly Call[];
  readonly chores: readonly Chore[];
  readonly left: Budget;
  /** The invariant that is broken, and how. */
  readonly broken?: { readonly invariant: Invariant; readonly how: string };
}

export type Invariant =
  | "applied once"
  | "the answer is the result"
  | "not applied is true"
  | "the count is the sum"
  | "slots are limited";

export interface Step {
  readonly label: string;
  readonly world: World;
}

export interface Context {
  readonly rules: Rules;
  readonly bounds: Bounds;
}

export function firstWorld(bounds: Bounds): World {
  const ids = bounds.writers.flatMap((count, writer) =>
    Array.from({ length: count }, (_, place) => ({ writer, place })),
  );
  const { deletes, sets, trims, touches, celery } = bounds;
  return {
    time: 1,
    item: undefined,
    archive: [],
    lives: 0,
    ids: ids.map(({ writer, place }, at) => ({
      writer,
      place,
      delta: 2 ** at,
      sequence: 0,
      tries: 0,
      life: 0,
      result: 0,
      unknown: false,
      refused: false,
    })),
    calls: [],
    chores: [],
    left: { deletes, sets, trims, touches, celery },
  };
}

export const nameOf = (id: Pick<Id, "writer" | "place">) => `${String.fromCharCode(97 + id.writer)}${id.place + 1}`;

export const incrementOf = (id: Id): Increment => id;

/** Two worlds with the same key have the same future. */
export function keyOf(world: World): string {
  const { item, left } = world;
  const ids = world.ids.map(
    (id) => `${id.sequence},${id.tries},${id.life},${id.result},${id.unknown ? 1 : 0}${id.refused ? 1 : 0}`,
  );
  const calls = world.calls.map((c) => `${c.id},${c.via},${c.hops},${c.sent},${keyOfRequest(c.write)}`).sort();
  const chores = world.chores.map((chore) => `${chore.name},${chore.sent},${keyOfChore(chore.write)}`).sort();
  return [
    world.time,
    etagOf(item),
    item?.life,
    item?.celery,
    textOf(world.archive),
    world.lives,
    ids.join(";"),
    calls.join(";"),
    chores.join(";"),
    `${left.deletes},${left.sets},${left.trims},${left.touches},${left.celery}`,
  ].join("|");
}

function keyOfRequest(write: Call["write"]): string {
  const { kind, now } = write;
  switch (kind) {
    case "read":
      return `${kind},${now},${typeof write.archived === "object" ? textOf([write.archived]) : write.archived}`;
    case "lookup":
      return `${kind},${now},${etagOf(write.item)}`;
    default:
      return `${kind},${now},${write.epoch}`;
  }
}

function keyOfChore(write: Chore["write"]): string {
  switch (write.kind) {
    case "archive":
      return textOf(write.slots);
    case "trim":
      return `${textOf(write.moved)}>${textOf(write.dropped)}>${write.floor}>${write.lost}`;
    case "overwrite":
      return `${write.seen}>${write.becomes ? `${write.becomes.kind}/${write.becomes.expires}` : ""}`;
  }
}

/** The first invariant that the item itself breaks. */
export function checked(world: World, bounds: Bounds): World {
  const { item } = world;
  if (world.broken || !item) {
    return world;
  }
  const slots = item.memory?.slots.filter((slot) => slot !== undefined).length ?? 0;
  if (slots > bounds.slots) {
    return { ...world, broken: { invariant: "slots are limited", how: `${slots} slots, ${bounds.slots} allowed` } };
  }
  const sum = world.ids.reduce((total, id) => total + (id.life === item.life ? id.delta : 0), item.celery);
  if (item.kind === "counter" && item.count !== sum) {
    return {
      ...world,
      broken: { invariant: "the count is the sum", how: `it is ${item.count}, and should be ${sum}` },
    };
  }
  return world;
}
