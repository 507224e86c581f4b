import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient, createRequestId, DynakvError } from "../src/index.js";

const test = suite("clocks that differ");
const minute = 60_000;
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

/** This process's clock, off by so much while something is done. The server, which is in it as well, has its own offset taken back. */
async function withClock<T>(aheadMs: number, use: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => (isServer() ? now() : now() + aheadMs);
  try {
    return await use();
  } finally {
    Date.now = now;
  }
}

/** Only the client makes ids. */
function isServer(): boolean {
  const [, , , caller = ""] = (new Error().stack ?? "").split("\n");
  return !/request-ids|server-timed-ids/.test(caller);
}

for (const [name, create] of Object.entries({ "the defaults": createClient, "grpc-js": createGrpcJsClient })) {
  for (const batching of [true, false]) {
    for (const aheadMs of [2 * minute, -12 * minute, 25 * 60 * minute, -25 * 60 * minute]) {
      test(`${name}, ${batching ? "together" : "alone"}: a clock that is ${aheadMs / minute} minutes ahead counts`, async () => {
        // It takes the clock of the process as it is then.
        const client = await withClock(aheadMs, async () => create({ address: server.url, batching, retries: false }));
        const key = `${name}-${batching}-${aheadMs}`;
        try {
          await withClock(aheadMs, async () => {
            assert.is(await client.incr(key), 1n);
            const values = await Promise.all(Array.from({ length: 20 }, () => client.incr(key)));
            assert.is(
              values.reduce((most, value) => (value > most ? value : most)),
              21n,
            );
          });
          // It comes right, by a step.
          assert.is(await client.incr(key), 22n);
        } finally {
          client.close();
        }
      });
    }
  }
}

test("an id of the caller's own is refused for its time, with the server's", async () => {
  const client = createClient({ address: server.url });
  for (const aheadMs of [2 * minute, -12 * minute]) {
    const error = await client
      .incr("own", { requestId: createRequestId(Date.now() + aheadMs) })
      .catch((cause) => cause);
    assert.instance(error, DynakvError);
    assert.ok(Math.abs((error.serverTime?.getTime() ?? 0) - Date.now()) < minute, `${error.serverTime}`);
  }
  assert.is(await client.get("own"), undefined);
  client.close();
});

test.run();
