import * as assert from "uvu/assert";
import { type Replicas, startReplicas } from "./histories/run/replicas.js";
import { runSeed } from "./histories/run/run-seed.js";
import { countResources, type Resources, waitForNoLeaks } from "./support/leaks.js";
import { suite } from "./support/suite.js";

const test = suite("histories under faults");
let before: Resources;
let replicas: Replicas;

test.before(async () => {
  before = countResources();
  replicas = await startReplicas();
});

test.after(async () => {
  await replicas.stop();
  await waitForNoLeaks(before);
});

// Many more: npm run test:histories
for (const [seed, why] of [
  [4, "lost answers, of values and counters"],
  [7, "all faults mixed"],
  [11, "late requests, of more writers than a counter remembers"],
] as const) {
  test(`seed ${seed} is linearizable: ${why}`, async () => {
    const { failure, operations } = await runSeed(replicas, seed, 100);
    assert.is(failure, undefined, `${failure?.summary}\n${failure?.rendering}`);
    assert.ok(operations > 50, `${operations} operations`);
  });
}

test.run();
