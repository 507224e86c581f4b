import * as assert from "uvu/assert";
import { isFullRun } from "../../server/test/support/full-run.js";
import { spawnServer } from "../../server/test/support/spawn-server.js";
import { suite } from "../../server/test/support/suite.js";
import { createClient } from "../src/index.js";

const test = suite("mget of a large set");

/** Two thirds of so many kilobytes come: more than may be held. */
const length = isFullRun ? 1_000_000 : 180_000;
const stored = isFullRun ? 20_000 : 4000;
const allowed = 100_000_000;

test(`${length} keys of a generator, a third of them missing, come once each, in memory that does not grow with them`, async () => {
  // In a process of its own, so that this one holds the client alone.
  const spawned = await spawnServer(["--data", "memory"]);
  const client = createClient({ address: spawned.url });
  try {
    const value = new Uint8Array(1000);
    const write = async (from: number) => {
      for (let n = from; n < stored; n += 50) {
        await client.set(`k${n}`, value);
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, from) => write(from)));
    function* keys(): Generator<string> {
      for (let n = 0; n < length; n++) {
        yield `k${n % (stored * 1.5)}`;
      }
    }
    const seen = new Uint8Array(length);
    const before = process.memoryUsage().rss;
    let highest = before;
    let found = 0;
    for await (const { index, entry } of client.mget(keys())) {
      seen[index] = (seen[index] ?? 0) + 1;
      found += entry === undefined ? 0 : 1;
      if (index % 1000 === 0) {
        highest = Math.max(highest, process.memoryUsage().rss);
      }
    }
    assert.ok(seen.every((times) => times === 1));
    assert.is(found, Array.from({ length }, (_, n) => n % (stored * 1.5)).filter((n) => n < stored).length);
    assert.ok(highest - before < allowed, `${highest - before} bytes more than at the start`);
  } finally {
    client.close();
    spawned.process.kill("SIGKILL");
    await spawned.exit;
  }
});

test.run();
