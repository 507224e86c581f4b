import * as assert from "uvu/assert";
import { type Replicas, startReplicas } from "./histories/run/replicas.js";
import { runSeed } from "./histories/run/run-seed.js";
import { drawWorkload } from "./histories/run/workload.js";
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
for (const seed of [14, 18, 19]) {
  const { profile, mixName } = drawWorkload(seed);
  test(`seed ${seed} is linearizable: faults '${profile.name}', mix '${mixName}'`, async () => {
    const { failure, operations } = await runSeed(replicas, seed, 100);
    assert.is(failure, undefined, `${failure?.summary}\n${failure?.rendering}`);
    assert.ok(operations > 50, `${operations} operations`);
  });
}

test.run();
