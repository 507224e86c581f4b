import { applyIncrement, applyTrim, etagOf, type Item, isExpired, never, type Slot, sequenceAt } from "./dynamodb.js";
import { afterRead, deleteOf, firstRequest, mayExpire, mayReap, setOf, trimsOf } from "./replica.js";
import {
  type Call,
  type Chore,
  type Context,
  checked,
  type Id,
  type Invariant,
  incrementOf,
  nameOf,
  type Step,
  type World,
} from "./world.js";

const replicas = [0, 1];
const replicaName = ["A", "B"];

/** What Celery adds: a delta that no id has. */
const celeryDelta = 1024;

/** All that may happen next, each with the world after it. */
export function stepsFrom(world: World, context: Context): Step[] {
  const steps: Step[] = [];
  const add = (label: string, next: World) => steps.push({ label, world: checked(next, context.bounds) });
  sends(world, context, add);
  arrivals(world, context, add);
  chores(world, context, add);
  others(world, context, add);
  if (world.time < context.bounds.end) {
    add(`time: step ${world.time + 1}`, tick(world, context));
  }
  return steps;
}

type Add = (label: string, next: World) => void;

const clockOf = (via: number, world: World, { bounds }: Context) => world.time + (via === 1 ? bounds.skew : 0);

/** A writer sends a new id, or one that it has sent before, to a replica. */
function sends(world: World, context: Context, add: Add): void {
  const { bounds, rules } = context;
  world.ids.forEach((id, at) => {
    const before = world.ids[at - 1];
    if (id.tries >= bounds.tries || (id.place > 0 && before?.sequence === 0)) {
      return;
    }
    // A caller's clock may be the one or the other.
    const made =
      id.sequence > 0 ? [id.sequence] : [0, 1].map((via) => sequenceAt(clockOf(via, world, context), id.place));
    for (const sequence of new Set(made)) {
      if (id.place > 0 && (before?.sequence ?? 0) >= sequence) {
        continue;
      }
      for (const via of replicas) {
        const now = clockOf(via, world, context);
        if (sequence >> 3 > now) {
          continue; // It is ahead of this replica's clock, which refuses it.
        }
        const unknown = id.unknown || world.calls.some((call) => call.id === at);
        const sent = { ...id, sequence, unknown, refused: false, tries: id.tries + 1 };
        const kind = firstRequest(sent, now, rules, bounds);
        const call: Call = { id: at, via, hops: 1, sent: world.time, write: { kind, now } };
        const minted = id.sequence > 0 ? "again " : `(step ${sequence >> 3}) `;
        add(`${nameOf(id)} ${minted}via ${replicaName[via]}, which sends ${kind}`, {
          ...world,
          ids: world.ids.with(at, sent),
          calls: [...world.calls, call],
        });
      }
    }
  });
}

/** DynamoDB applies a request for an increment; its answer arrives, or is lost. */
function arrivals(world: World, context: Context, add: Add): void {
  world.calls.forEach((call, at) => {
    const id = world.ids[call.id] as Id;
    const name = `DynamoDB: ${call.write.kind} of ${nameOf(id)} via ${replicaName[call.via]}, sent at step ${call.sent}`;
    const rest = { ...world, calls: world.calls.toSpliced(at, 1) };
    if (call.write.kind === "read") {
      const [told, next] = answered(rest, call, world.item, call.write.archived, context);
      add(`${name}: ${told}`, next);
      return;
    }
    if (call.write.kind === "lookup") {
      const { writer, sequence } = incrementOf(id);
      const slot = world.archive[writer];
      const found = slot?.sequence === sequence ? slot : undefined;
      for (const seen of context.rules.archiveRead === "eventual" && found ? [found, undefined] : [found]) {
        const [told, next] = lookedUp(rest, call, call.write.item, seen ?? "nothing", context);
        add(`${name}: ${seen ? "found" : "not found"}, ${told}`, next);
      }
      return;
    }
    const item = applyIncrement(world.item, call.write, incrementOf(id), world.lives, context.rules, context.bounds);
    if (item === undefined) {
      add(`${name}: refused`, goesOn(rest, call, { kind: "read", now: call.write.now }, context));
    } else if (call.write.kind === "adopt") {
      const write = { kind: "update", now: clockOf(call.via, world, context) } as const;
      add(`${name}: done`, goesOn({ ...rest, item }, call, write, context));
    } else {
      const next = added({ ...rest, item, lives: Math.max(world.lives, item.life) }, call.id, item);
      add(`${name}: counted, ${item.count}`, succeeded(next, call.id, item.count));
      add(`${name}: counted, ${item.count}, answer lost`, changed(next, call.id, { unknown: true }));
    }
  });
}

function answered(
  world: World,
  call: Call,
  item: Item | undefined,
  archived: Slot | "nothing" | undefined,
  context: Context,
): [string, World] {
  const id = world.ids[call.id] as Id;
  const { rules, bounds } = context;
  const now = clockOf(call.via, world, context);
  const next = afterRead(item, incrementOf(id), archived, now, rules, bounds);
  switch (next.kind) {
    case "replayed":
      return [`replayed, ${next.result}`, succeeded(world, call.id, next.result)];
    case "too old":
      return ["too old", changed(world, call.id, { unknown: true })];
    case "not applied": {
      const refused = changed(world, call.id, { refused: !id.unknown });
      const wrong = !id.unknown && id.life > 0;
      return [next.why, wrong ? broken(refused, "not applied is true", `${nameOf(id)} was applied`) : refused];
    }
    case "lookup":
      return ["looks into the archive", goesOn(world, call, { kind: "lookup", now, item }, context)];
    default:
      return [`sends ${next.kind}`, goesOn(world, call, next, context)];
  }
}

/** The archive has been read: what is done then is decided by the item as it was read before, or, weaker, as it is read now. */
function lookedUp(
  world: World,
  call: Call,
  item: Item | undefined,
  archived: Slot | "nothing",
  context: Context,
): [string, World] {
  const now = clockOf(call.via, world, context);
  return context.rules.epochRead === "before the archive"
    ? answered(world, call, item, archived, context)
    : ["reads the item", goesOn(world, call, { kind: "read", now, archived }, context)];
}

/** The replica sends its next request for the call, unless it has sent too many: then the outcome is unknown. */
function goesOn(world: World, call: Call, write: Call["write"], { bounds }: Context): World {
  return call.hops >= bounds.hops
    ? changed(world, call.id, { unknown: true })
    : { ...world, calls: [...world.calls, { ...call, hops: call.hops + 1, sent: world.time, write }] };
}

function added(world: World, at: number, item: Item): World {
  const id = world.ids[at] as Id;
  if (id.life > 0) {
    return broken(world, "applied once", `${nameOf(id)} was applied again`);
  }
  const next = changed(world, at, { life: item.life, result: item.count });
  return id.refused ? broken(next, "not applied is true", `${nameOf(id)} was applied after all`) : next;
}

function succeeded(world: World, at: number, result: number): World {
  const id = world.ids[at] as Id;
  return id.life > 0 && id.result === result
    ? world
    : broken(world, "the answer is the result", `${nameOf(id)} is answered ${result}, its result was ${id.result}`);
}

/** Trims, Delete and Set: a replica reads, and its conditional write is applied some time later. */
function chores(world: World, context: Context, add: Add): void {
  const { rules, bounds } = context;
  for (const via of replicas) {
    const now = clockOf(via, world, context);
    const begin = (chore: Omit<Chore, "sent">, text: string, left: Partial<World["left"]>) =>
      add(`${chore.name} via ${replicaName[via]} reads${text}`, {
        ...world,
        chores: [...world.chores, { ...chore, sent: world.time }],
        left: { ...world.left, ...left },
      });
    const { deletes, sets, trims } = world.left;
    for (const { archive, trim } of trims > 0 ? trimsOf(world.item, now, rules, bounds) : []) {
      const left = { trims: trims - 1 };
      const text = `, to move ${count(trim.moved)} and drop ${count(trim.dropped)}`;
      if (rules.archived === "before the trim" && count(trim.moved) > 0) {
        begin({ name: "archive", write: archive, follows: trim }, text, left);
      } else if (rules.archived === "after the trim" && count(trim.moved) > 0) {
        begin({ name: "trim", write: trim, follows: archive }, text, left);
      } else {
        begin({ name: "trim", write: trim }, text, left);
      }
    }
    for (const [name, write, left] of [
      ["Delete", deletes > 0 ? deleteOf(world.item, now, rules, bounds) : undefined, { deletes: deletes - 1 }],
      ["Set", sets > 0 ? setOf(world.item, now, rules, bounds) : undefined, { sets: sets - 1 }],
    ] as const) {
      if (write) {
        begin({ name, write }, `, to leave ${write.becomes ? describe(write.becomes) : "nothing"}`, left);
      }
    }
  }
  world.chores.forEach((chore, at) => {
    const { write, follows } = chore;
    const rest = { ...world, chores: world.chores.toSpliced(at, 1) };
    const label = `DynamoDB: ${chore.name}, sent at step ${chore.sent}`;
    const done = (changes: Partial<World>) => {
      const reached: World = { ...rest, ...changes };
      const next: Chore[] = follows ? [{ name: follows.kind, sent: world.time, write: follows }] : [];
      add(label, { ...reached, chores: [...reached.chores, ...next] });
    };
    if (write.kind === "archive") {
      const length = Math.max(world.archive.length, write.slots.length);
      done({ archive: Array.from({ length }, (_, writer) => write.slots[writer] ?? world.archive[writer]) });
    } else if (write.kind === "trim") {
      const item = applyTrim(world.item, write, rules);
      if (item) done({ item });
    } else if (write.seen === etagOf(world.item)) {
      const { becomes } = write;
      done({ item: becomes && { ...becomes, count: 0, life: 0, celery: 0 } });
    }
  });
}

const count = (slots: readonly (Slot | undefined)[]) => slots.filter((slot) => slot !== undefined).length;

function describe({ kind, memory }: Pick<Item, "kind" | "memory">): string {
  return [kind === "gone" ? [] : ["a value"], memory ? ["the memory"] : []].flat().join(" and ");
}

/** Celery's increments, a Touch, and the reaper. */
function others(world: World, context: Context, add: Add): void {
  const { item, left } = world;
  if (left.celery > 0 && item?.kind !== "value") {
    const next = { ...world, left: { ...left, celery: left.celery - 1 } };
    add("Celery increments", { ...next, ...celeryAdds(world) });
  }
  for (const via of item ? replicas : []) {
    const now = clockOf(via, world, context);
    if (item && left.touches > 0 && !isExpired(item, now)) {
      const next = { ...world, item: { ...item, expires: now + 1 }, left: { ...left, touches: left.touches - 1 } };
      add(`Touch via ${replicaName[via]}: expires at step ${now + 1}`, next);
    }
    if (item && mayReap(item, now, context.rules, context.bounds)) {
      add(`${replicaName[via]} reaps the ${item.kind === "gone" ? "memory" : item.kind}`, {
        ...world,
        item: undefined,
      });
    }
  }
  for (const via of replicas) {
    const now = clockOf(via, world, context);
    const gone = world.archive.map((slot) =>
      slot && mayExpire(slot, now, context.rules, context.bounds) ? slot : undefined,
    );
    if (count(gone) > 0) {
      const archive = world.archive.map((slot, at) => (gone[at] ? undefined : slot));
      add(`${replicaName[via]} reaps from the archive`, { ...world, archive });
    }
  }
}

/** Celery knows neither expiry nor memory. */
function celeryAdds({ item, lives }: World): Pick<World, "item" | "lives"> {
  if (item?.kind === "counter") {
    return { item: { ...item, count: item.count + celeryDelta, celery: item.celery + celeryDelta }, lives };
  }
  const life = lives + 1;
  const { expires, memory } = item ?? { expires: never, memory: undefined };
  return { item: { kind: "counter", count: celeryDelta, celery: celeryDelta, expires, memory, life }, lives: life };
}

/** Time goes on; what was in flight for too long never arrives. */
function tick(world: World, { bounds }: Context): World {
  const time = world.time + 1;
  const late = (request: Call | Chore) => time - request.sent > bounds.delay;
  const lost = new Set(world.calls.filter(late).map((call) => call.id));
  return {
    ...world,
    time,
    ids: lost.size === 0 ? world.ids : world.ids.map((id, at) => (lost.has(at) ? { ...id, unknown: true } : id)),
    calls: world.calls.filter((call) => !late(call)),
    chores: world.chores.filter((chore) => !late(chore)),
  };
}

function changed(world: World, at: number, changes: Partial<Id>): World {
  return { ...world, ids: world.ids.with(at, { ...(world.ids[at] as Id), ...changes }) };
}

function broken(world: World, invariant: Invariant, how: string): World {
  return world.broken ? world : { ...world, broken: { invariant, how } };
}
