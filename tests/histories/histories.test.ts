import * as assert from "uvu/assert";
import { countResources, type Resources, waitForNoLeaks } from "../../server/test/support/leaks.js";
import { suite } from "../../server/test/support/suite.js";
import { type Replicas, startReplicas } from "./run/replicas.js";
import { runSeed } from "./run/run-seed.js";
import { drawWorkload } from "./run/workload.js";

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
