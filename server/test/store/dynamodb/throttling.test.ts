import { ConnectError } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { type CallFailure, describeFailure } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

// Of an engine that throttles by itself; most do not, and then all is stored. What a proxy answers is in faults.test.ts.
const test = suite("a table of little capacity to write");
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ readCapacity: 1000, writeCapacity: 1 });
});

test.after(() => server.stop());

test("what is written beyond it is stored, or refused as throttled and not stored", async () => {
  // 200 units each, of a burst of 300.
  const value = Buffer.alloc(200 * 1024, 7);
  const keys = Array.from({ length: 12 }, (_, n) => `large-${n}`);
  const failures = new Map<string, CallFailure>();
  await Promise.all(
    keys.map((key) =>
      server.client
        .set({ key, value }, { timeoutMs: 20_000 })
        .catch((error) => failures.set(key, describeFailure(ConnectError.from(error)))),
    ),
  );
  for (const { code, reason, outcome } of failures.values()) {
    assert.equal([code, reason, outcome], ["ResourceExhausted", "THROTTLED", "NOT_APPLIED"]);
  }
  for (const key of keys) {
    const { entry } = await server.client.get({ key, consistency: 2 });
    assert.is(entry !== undefined, !failures.has(key), `${key} is stored if it was acknowledged`);
  }
});

test.run();
