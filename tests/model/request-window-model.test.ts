import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { exploreAll, exploreAtRandom } from "./explore.js";
import { type Bounds, type Rules, rules } from "./rules.js";

/**
 * The protocol of docs/exactly-once.md as a model, of which every state within some bounds is looked at. It proves the
 * protocol, not the code. The window has two steps. For a longer search at random, of so many walks, from that seed:
 *
 *     DYNAKV_MODEL_WALKS=200000 DYNAKV_MODEL_SEED=2 node --import tsx tests/model/request-window-model.test.ts
 */
const test = suite("the model of the request window");

const walks = Number(process.env.DYNAKV_MODEL_WALKS ?? 60);
const seed = Number(process.env.DYNAKV_MODEL_SEED ?? 1);

const narrow: Bounds = {
  writers: [1],
  own: 0,
  window: 2,
  skew: 1,
  delay: 0,
  end: 7,
  tries: 2,
  hops: 5,
  slots: 2,
  kept: 0,
  deletes: 0,
  sets: 0,
  trims: 0,
  touches: 0,
  celery: 0,
};

const wide: Bounds = {
  ...narrow,
  writers: [3, 2, 1, 1, 1, 1],
  own: 2,
  kept: 1,
  end: 14,
  tries: 4,
  hops: 8,
  slots: 3,
  deletes: 2,
  sets: 2,
  trims: 4,
  touches: 2,
  celery: 2,
};

/** Asserts that no state within the bounds breaks an invariant; returns what happened in them. */
function holds(bounds: Partial<Bounds>, changes: Partial<Rules> = {}): string {
  const { violation, whole, seen } = exploreAll({ ...rules, ...changes }, { ...narrow, ...bounds });
  assert.is(violation, undefined, `\n${violation?.trace}`);
  assert.ok(whole, "the exploration was too large to end");
  return [...seen].join("\n");
}

/** Asserts that some state within the bounds has counted an increment twice. */
function countsTwice(variant: Rules, bounds: Partial<Bounds>): void {
  const { violation } = exploreAll(variant, { ...narrow, ...bounds }, { only: "applied once" });
  assert.is(violation?.invariant, "applied once");
}

const explorations: readonly [string, Partial<Bounds>, readonly string[]][] = [
  ["deleted and touched counters", { delay: 1, deletes: 1, touches: 1 }, ["replayed", "too old", "reaps"]],
  [
    "counters that start anew",
    { writers: [1, 1], skew: 0, touches: 1, end: 2 },
    ["restart of b# via B, sent at step #: counted"],
  ],
  [
    "a Set and a Delete",
    { delay: 1, sets: 1, deletes: 1, end: 6 },
    ["wrong kind", "leave a value and the memory", "leave the memory"],
  ],
  ["Celery beside it", { celery: 1, deletes: 1 }, ["Celery", "adopt of a# via A, sent at step #: done"]],
  [
    "an archive, and late ids",
    { writers: [1, 1], trims: 2, end: 2 },
    ["to move #", "found, replayed", "not found, sends update", "update of b# via B, sent at step #: counted"],
  ],
  [
    "an archive that expires",
    { trims: 1, end: 7 },
    ["reaps from the archive", "found, replayed", "not found, too old"],
  ],
  ["an archive and late requests", { delay: 1, trims: 1, end: 5 }, ["found, replayed"]],
  [
    "an archive and a Delete",
    { writers: [1, 1], skew: 0, trims: 1, deletes: 1, hops: 4, end: 1 },
    ["found, replayed", "not found, sends restart"],
  ],
  ["an archive and a Set", { trims: 1, sets: 1, deletes: 1, end: 3 }, ["found, replayed", "a value and the memory"]],
  ["an archive beyond an upper bound", { writers: [1, 1], trims: 2, most: 1, end: 2 }, ["out of bounds"]],
  ["full slots", { writers: [1, 1], slots: 1, trims: 1, end: 2 }, ["item full", "not found, sends update"]],
  ["the server's own ids", { writers: [2], own: 1, trims: 1, end: 3 }, ["a# again", "too old"]],
  [
    "the server's own ids, dropped in time",
    { writers: [2], own: 1, skew: 0, window: 1, delay: 1, trims: 1, end: 5 },
    ["to move # and drop #", "too old"],
  ],
  ["the server's own ids beside a caller's", { writers: [1, 1], own: 1, trims: 1, end: 3 }, ["found, replayed"]],
];
for (const [name, bounds, happens] of explorations) {
  test(`an increment counts once: ${name}`, () => {
    const seen = holds(bounds);
    for (const text of happens) {
      assert.ok(seen.includes(text), `nothing here was ${text}`);
    }
  });
}

test("an increment counts once on random walks", () => {
  for (const bounds of [{ delay: 1 }, { skew: 2, lifetime: 3, slots: 2 }, { skew: 0, delay: 2 }]) {
    const violation = exploreAtRandom(rules, { ...wide, ...bounds }, seed, walks);
    assert.is(violation, undefined, `\nseed ${seed}\n${violation?.trace}`);
  }
});

test("a floor at the clock of who trims only asks the archive more often", () => {
  holds({ trims: 1, end: 4 }, { trimmedFloor: "clock" });
});

for (const [skew, delay] of [
  [2, 0],
  [1, 1],
  [0, 2],
] as const) {
  test(`replicas may differ, and requests be late, by one window together: ${skew} and ${delay} halves`, () => {
    holds({ skew, delay, deletes: 1, touches: 1, end: 7 });
    holds({ skew, delay, trims: 1, end: 7 });
  });
}

for (const [skew, delay] of [
  [3, 0],
  [2, 1],
  [1, 2],
  [0, 3],
] as const) {
  test(`beyond one window together it counts twice: ${skew} and ${delay} halves`, () => {
    countsTwice(rules, { skew, delay, deletes: 1, end: 7 });
  });
}

const late = { writers: [1, 1], skew: 0, trims: 2, end: 1 };
const variants: readonly [string, Partial<Rules>, Partial<Bounds>][] = [
  ["no condition on the slot", { slotCondition: "none" }, { end: 1 }],
  ["a slot that must only differ", { slotCondition: "differs" }, { writers: [2], own: 1, end: 1 }],
  ["a trim that leaves the floor", { trimmedFloor: "unchanged" }, { trims: 1, end: 1 }],
  ["a trim that may lower the floor", { trimComparesFloor: false }, { ...late, skew: 1 }],
  ["increments that ignore the floor", { floorCondition: false }, { trims: 1, end: 1 }],
  ["no archive", { archived: "never" }, { trims: 1, end: 1 }],
  ["an archive that is written after the trim", { archived: "after the trim" }, { trims: 1, end: 1 }],
  ["no condition on the epoch", { epochCondition: false }, late],
  ["a trim that does not count", { trimCounts: false }, late],
  ["an epoch that is read after the archive", { epochRead: "after the archive" }, late],
  ["an archive that is read eventually", { archiveRead: "eventual" }, { trims: 1, end: 1 }],
  ["an archive that lives for one window", { archiveLives: 1 }, { trims: 1 }],
  [
    "dropping what has changed",
    { trimComparesSlots: false, droppedRefuses: false },
    { skew: 0, delay: 2, window: 1, writers: [2], own: 1, trims: 1, end: 6 },
  ],
  ["slots dropped after one window, for good", { droppedAfter: 1, droppedRefuses: false }, { trims: 1 }],
  ["a restart that forgets", { restartKeepsMemory: false }, { skew: 0, writers: [1, 1], touches: 1, end: 2 }],
  ["a Delete that forgets", { deleteKeepsMemory: false }, { deletes: 1, end: 2 }],
  ["a Set that forgets, and a Delete", { setKeepsMemory: false }, { sets: 1, deletes: 1, end: 2 }],
  ["creation at any age", { ageCheckedOnCreate: false }, { skew: 0, deletes: 1 }],
  [
    "addition at any age",
    { ageCheckedOnUpdate: false },
    { skew: 0, writers: [1, 1], window: 1, hops: 3, deletes: 1, end: 4 },
  ],
  ["memory dropped without a look at the floor", { floorKeepsMemory: false }, { trims: 1, deletes: 1 }],
  ["memory dropped after one window", { droppedAfter: 1 }, { deletes: 1 }],
  ["memory dropped after one window, equal clocks", { droppedAfter: 1 }, { skew: 0, delay: 1, deletes: 1 }],
  ["two windows from the deletion", { goneCountsFrom: "deletion" }, { skew: 2, deletes: 1 }],
  ["a reaper that waits for one window", { reaperWaitsFor: "a window" }, { touches: 1 }],
];
for (const [name, changes, bounds] of variants) {
  test(`a weaker variant counts twice: ${name}`, () => {
    countsTwice({ ...rules, ...changes }, bounds);
  });
}

test("a bound that is looked at before the archive denies what was applied", () => {
  const bounds = { ...narrow, writers: [1, 1], trims: 1, most: 1, skew: 0, end: 1 };
  const { violation } = exploreAll({ ...rules, boundsBeforeArchive: true }, bounds);
  assert.is(violation?.invariant, "not applied is true");
});

test.run();
