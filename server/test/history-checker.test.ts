import * as assert from "uvu/assert";
import { checkHistory } from "./histories/check/check-history.js";
import type { Operation, Request, Result } from "./histories/check/operation.js";
import { createRandom } from "./histories/random.js";
import { mutateHistory } from "./histories/simulate/mutate-history.js";
import { simulateHistory } from "./histories/simulate/simulate-history.js";
import { suite } from "./support/suite.js";

const test = suite("the check of histories");

type Interval = readonly [invoked: number, completed: number];
type Call = readonly [at: Interval | number, request: Request, result: Result, clock?: readonly [number, number]];

/** Operations by their intervals; one that is given by a single number overlaps none with another number. */
function history(...calls: Call[]): Operation[] {
  return calls.map(([at, request, result, [clockFrom, clockTo] = [0, 0]], id) => {
    const [invoked, completed] = typeof at === "number" ? [at, at + 0.5] : at;
    return { id, client: `c${id}`, invoked, completed, clockFrom, clockTo, request, result };
  });
}

const get: Request = { type: "get" };
const set = (value: string, more: Partial<Extract<Request, { type: "set" }>> = {}): Request => ({
  type: "set",
  value,
  ...more,
});
const del: Request = { type: "delete" };
const incr = (delta = 1n, more: Partial<Extract<Request, { type: "incr" }>> = {}): Request => ({
  type: "incr",
  delta,
  ...more,
});
const touch = (expiry: number | "never" = "never"): Request => ({ type: "touch", expiry });
const absent = { condition: { test: "absent" } } as const;
const present = { condition: { test: "present" } } as const;
const ifEtag = (etag: string) => ({ condition: { test: "etag", etag } }) as const;

const unknown: Result = { outcome: "unknown", why: "test" };
const notApplied: Result = { outcome: "not-applied", why: "test" };
const missing: Result = { outcome: "done", answer: { type: "get", entry: undefined } };
const value = (held: string, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "get", entry: { content: { kind: "value", value: held }, etag, expireAt } },
});
const counter = (count: bigint, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "get", entry: { content: { kind: "counter", count }, etag, expireAt } },
});
const stored = (etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "set", etag, expireAt },
});
const deleted = (existed: boolean): Result => ({ outcome: "done", answer: { type: "delete", existed } });
const counted = (count: bigint, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "incr", count, etag, expireAt },
});
const touched = (etag: string | undefined, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "touch", existed: etag !== undefined, etag, expireAt },
});
const refused = (reason: Extract<Result, { outcome: "refused" }>["reason"], currentEtag?: string): Result => ({
  outcome: "refused",
  reason,
  currentEtag,
});

const right: Record<string, Operation[]> = {
  "nothing at all": [],
  "one after another": history(
    [1, get, missing],
    [2, set("a"), stored("e1")],
    [3, get, value("a", "e1")],
    [4, del, deleted(true)],
    [5, del, deleted(false)],
    [6, incr(2n), counted(2n, "e2")],
    [7, get, counter(2n, "e2")],
    [8, set("b"), stored("e3")],
    [9, incr(), refused("WRONG_KIND", "e3")],
  ),
  "reads that overlap a set see either": history(
    [[1, 9], set("a"), stored("e1")],
    [[2, 3], get, missing],
    [[4, 5], get, value("a", "e1")],
  ),
  "an unknown set that is seen late": history([1, set("a"), unknown], [2, get, missing], [3, get, value("a", "e1")]),
  "an unknown set that is never seen": history([1, set("a"), unknown], [2, get, missing], [3, get, missing]),
  "an unknown set whose etag is seen by a refusal first": history(
    [1, set("a"), unknown],
    [2, set("b", absent), refused("ALREADY_EXISTS", "e1")],
    [3, get, value("a", "e1")],
    [4, set("c", ifEtag("e1")), stored("e2")],
  ),
  "an unknown increment that counts late": history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(10n), unknown],
    [3, incr(), counted(2n, "e2")],
    [4, incr(), counted(13n, "e3")],
  ),
  "an unknown delete between two reads": history(
    [1, set("a"), stored("e1")],
    [2, del, unknown],
    [3, get, value("a", "e1")],
    [4, get, missing],
  ),
  "a write that was not applied": history([1, set("a"), notApplied], [2, get, missing]),
  "refusals that tell the truth": history(
    [1, set("a", present), refused("NOT_PRESENT")],
    [2, set("a", absent), stored("e1")],
    [3, set("b", absent), refused("ALREADY_EXISTS", "e1")],
    [4, set("b", ifEtag("e0")), refused("ETAG_MISMATCH", "e1")],
    [5, set("b", ifEtag("e1")), stored("e2")],
    [6, { type: "delete", ...ifEtag("e1") }, refused("ETAG_MISMATCH", "e2")],
    [7, { type: "delete", ...ifEtag("e2") }, deleted(true)],
    [8, incr(3n, { max: 4n }), counted(3n, "e3")],
    [9, incr(3n, { max: 4n }), refused("OUT_OF_BOUNDS")],
  ),
  "a refusal without the etag": history(
    [1, set("a"), stored("e1")],
    [2, set("b", absent), refused("ALREADY_EXISTS")],
    [3, set("b", ifEtag("e0")), refused("ETAG_MISMATCH")],
  ),
  "a touch that changes the etag, and one of nothing": history(
    [1, touch(), touched(undefined)],
    [2, set("a"), stored("e1")],
    [3, touch(), touched("e2")],
    [4, get, value("a", "e2")],
    [5, touch(), unknown],
    [6, get, value("a", "e3")],
  ),
  "an entry that is gone from its second on": history(
    [1, set("a", { expiry: 5 }), stored("e1", 5), [4, 4]],
    [2, get, value("a", "e1", 5), [4, 4]],
    [[3, 8], get, value("a", "e1", 5), [4, 5]],
    [[4, 7], get, missing, [4, 5]],
    [9, del, deleted(false), [5, 5]],
  ),
  "a delete of what has expired, and a write that read the clock before": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5), [4, 4]],
    [[2, 4], del, deleted(false), [4, 5]],
    [[3, 6], incr(1n, { expiry: 9 }), counted(2n, "e2", 9), [4, 5]],
    [7, get, counter(2n, "e2", 9), [5, 5]],
  ),
  "a counter that keeps its expiry, and starts anew after it": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5), [4, 4]],
    [2, incr(), counted(2n, "e2", 5), [4, 4]],
    [3, incr(), counted(1n, "e3"), [5, 5]],
  ),
};

const wrong: Record<string, Operation[]> = {
  "a lost update": history(
    [1, set("a"), stored("e1")],
    [[2, 5], set("b", ifEtag("e1")), stored("e2")],
    [[3, 6], set("c", ifEtag("e1")), stored("e3")],
  ),
  "a stale strong read": history([1, set("a"), stored("e1")], [2, set("b"), stored("e2")], [3, get, value("a", "e1")]),
  "two reads that see a set and then do not": history(
    [[1, 9], set("a"), stored("e1")],
    [2, get, value("a", "e1")],
    [3, get, missing],
  ),
  "an increment that counted twice": history([1, incr(), counted(1n, "e1")], [2, incr(), counted(3n, "e2")]),
  "an unknown increment that counted twice": history([1, incr(), unknown], [2, incr(), counted(3n, "e2")]),
  "an increment that was lost": history([1, incr(), counted(1n, "e1")], [2, incr(), counted(1n, "e2")]),
  "an answer that was given twice": history(
    [1, incr(), counted(1n, "e1")],
    [[2, 4], incr(), counted(2n, "e2")],
    [[3, 5], incr(), counted(2n, "e2")],
  ),
  "a set undone by its own repetition": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, set("b"), stored("e2")],
    [4, get, value("a", "e1")],
  ),
  "an unknown set that took effect twice under two etags": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, get, value("a", "e2")],
  ),
  "a delete undone": history([1, set("a"), stored("e1")], [2, del, deleted(true)], [3, get, value("a", "e1")]),
  "a delete that took effect twice": history(
    [1, set("a"), stored("e1")],
    [[2, 9], del, deleted(true)],
    [3, get, missing],
    [4, set("b"), stored("e2")],
    [5, get, missing],
  ),
  "two winners of if_absent": history(
    [[1, 4], set("a", absent), stored("e1")],
    [[2, 5], set("b", absent), stored("e2")],
  ),
  "ALREADY_EXISTS for a set's own success": history(
    [1, get, missing],
    [2, set("a", absent), refused("ALREADY_EXISTS", "e1")],
    [3, get, value("a", "e1")],
  ),
  "ALREADY_EXISTS with the etag of another time": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e2")],
    [3, set("c", absent), refused("ALREADY_EXISTS", "e1")],
  ),
  "NOT_PRESENT for a key that held something": history(
    [1, set("a"), stored("e1")],
    [2, set("b", present), refused("NOT_PRESENT")],
  ),
  "WRONG_KIND for a counter": history([1, incr(), counted(1n, "e1")], [2, incr(), refused("WRONG_KIND")]),
  "OUT_OF_BOUNDS within the bounds": history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(1n, { max: 2n }), refused("OUT_OF_BOUNDS")],
  ),
  "an increment past its bound": history([1, incr(), counted(1n, "e1")], [2, incr(1n, { max: 1n }), counted(2n, "e2")]),
  "ETAG_MISMATCH with the etag that was wanted": history(
    [1, set("a"), stored("e1")],
    [2, set("b", ifEtag("e1")), refused("ETAG_MISMATCH", "e1")],
  ),
  "a failed write that took effect": history([1, set("a"), notApplied], [2, get, value("a", "e1")]),
  "a refused write that took effect": history(
    [1, set("a"), stored("e1")],
    [2, set("b", absent), refused("ALREADY_EXISTS", "e1")],
    [3, get, value("b", "e2")],
  ),
  "existed of nothing": history([1, del, deleted(true)]),
  "existed not told": history([1, set("a"), stored("e1")], [2, del, deleted(false)]),
  "an etag that did not change": history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(), unknown],
    [3, get, counter(2n, "e1")],
  ),
  "an etag that did not change by a write that returned it": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e1")],
  ),
  "a touch that left the etag": history([1, set("a"), stored("e1")], [2, touch(), touched("e1")]),
  "a condition that passed on an old etag": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e2")],
    [3, set("c", ifEtag("e1")), stored("e3")],
  ),
  "an etag of an unknown write that was another's before": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, set("b"), unknown],
    [4, get, value("b", "e1")],
  ),
  "an entry that outlived its second": history(
    [1, set("a", { expiry: 5 }), stored("e1", 5), [4, 4]],
    [2, get, value("a", "e1", 5), [5, 5]],
  ),
  "an entry that was gone too early": history(
    [1, set("a", { expiry: 5 }), stored("e1", 5), [4, 4]],
    [2, get, missing, [4, 4]],
  ),
  "an expired counter that went on": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5), [4, 4]],
    [2, incr(), counted(2n, "e2", 5), [6, 6]],
  ),
  "an expiry that an increment dropped": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5)],
    [2, incr(), counted(2n, "e2")],
  ),
};

for (const [name, operations] of Object.entries(right)) {
  test(`right: ${name}`, () => {
    const { verdict, violation } = checkHistory(operations);
    assert.is(verdict, "linearizable", violation?.rendering ?? verdict);
  });
}

for (const [name, operations] of Object.entries(wrong)) {
  test(`wrong: ${name}`, () => {
    assert.is(checkHistory(operations).verdict, "violation");
  });
}

test("a violation names the first operation that fits nowhere, and shows nothing that came after it", () => {
  const operations = history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(), counted(3n, "e2")],
    [3, incr(), counted(4n, "e3")],
  );
  const { violation } = checkHistory(operations);
  assert.is(violation?.prefix.length, 2);
  assert.match(violation?.summary ?? "", /^#1 .*incr by 1 -> 3/);
  assert.match(violation?.rendering ?? "", /=> #1 /);
  assert.match(violation?.rendering ?? "", /the key held counter 1 with etag e1/);
});

test("more states than allowed are undecided, never linearizable", () => {
  const operations = history(
    ...Array.from({ length: 8 }, (_, n): Call => [[n, 100 + n], incr(), counted(9n, `e${n}`)]),
  );
  const extra = history(...Array.from({ length: 8 }, (_, n): Call => [[n, 100 + n], incr(BigInt(2 ** n)), unknown]));
  const all = [...operations, ...extra.map((each) => ({ ...each, id: each.id + 8 }))];
  assert.is(checkHistory(all, 20).verdict, "undecided");
  assert.is(checkHistory(all).verdict, "violation");
});

const seeds = 100;
const sizes = { operations: 60, clients: 12, unknown: 10 };

test("random right histories pass, few states each", () => {
  let visited = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const result = checkHistory(simulateHistory({ random: createRandom("right", seed), ...sizes }));
    assert.is(result.verdict, "linearizable", `seed ${seed}: ${result.violation?.rendering ?? result.verdict}`);
    visited += result.visited;
  }
  assert.ok(visited / seeds < 1000, `${visited / seeds} states on the average`);
});

test("most random histories with one wrong result are found", () => {
  let mutated = 0;
  let found = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const random = createRandom("wrong", seed);
    const wrongHistory = mutateHistory(simulateHistory({ random, ...sizes, operations: 40, unknown: 3 }), random);
    if (wrongHistory !== undefined) {
      mutated++;
      found += checkHistory(wrongHistory).verdict === "violation" ? 1 : 0;
    }
  }
  assert.ok(mutated > seeds / 2, `${mutated} of ${seeds} could be made wrong`);
  assert.ok(found / mutated > 0.6, `${found} of ${mutated} were found`);
});

test.run();
