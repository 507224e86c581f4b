import * as assert from "uvu/assert";
import { createRandom } from "../../server/test/support/random.js";
import { suite } from "../../server/test/support/suite.js";
import { checkHistory } from "./check/check-history.js";
import { type Call, counted, history, incr, unknown } from "./examples/notation.js";
import { rightHistories } from "./examples/right-histories.js";
import { wrongHistories } from "./examples/wrong-histories.js";
import { mutateHistory } from "./simulate/mutate-history.js";
import { simulateHistory } from "./simulate/simulate-history.js";

const test = suite("the check of histories");

for (const [name, operations] of Object.entries(rightHistories)) {
  test(`right: ${name}`, () => {
    const { verdict, violation } = checkHistory(operations);
    assert.is(verdict, "linearizable", violation?.rendering ?? verdict);
  });
}

for (const [name, operations] of Object.entries(wrongHistories)) {
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

test("more states than allowed are inconclusive, never linearizable", () => {
  const operations = history(
    ...Array.from({ length: 8 }, (_, n): Call => [[n, 100 + n], incr(), counted(9n, `e${n}`)]),
  );
  const extra = history(...Array.from({ length: 8 }, (_, n): Call => [[n, 100 + n], incr(BigInt(2 ** n)), unknown]));
  const all = [...operations, ...extra.map((each) => ({ ...each, id: each.id + 8 }))];
  assert.is(checkHistory(all, 20).verdict, "inconclusive");
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
