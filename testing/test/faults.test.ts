import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { withLongEnoughDeadline } from "../../server/test/support/wait-until.js";
import { startTestServer } from "../src/start-test-server.js";
import type { TestServer } from "../src/test-server.js";
import { faultRows, seen } from "./support/fault-rows.js";

const test = suite("faults by name");
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.before.each(() => server.reset());

test.after(() => server.close());

const value = new Uint8Array([1]);

for (const { fault, plan, call, run, sees } of faultRows) {
  test(`${fault}: a ${call} ends with ${sees.join(" or ")}`, async () => {
    await server.client.set("key", value);
    const lasts = sees[0] !== "success";
    const tryWith = async (options: { readonly defaultTimeoutMs?: number }) => {
      // Of what lasts, retries would see the same again.
      const client = server.createClient({ retries: lasts ? false : {}, ...options });
      plan(server.faults);
      const was = await seen(run(client));
      client.close();
      const wasMet = fault.startsWith("unavailable") || server.faults.proxy.log.length > 0;
      assert.ok(!wasMet || sees.includes(was), was);
      return wasMet;
    };
    if (fault.startsWith("slow")) {
      await withLongEnoughDeadline((defaultTimeoutMs) => tryWith({ defaultTimeoutMs }));
    } else {
      assert.ok(await tryWith({}), "the fault was met");
    }
  });
}

test("an increment whose answer is lost counts once", async () => {
  server.faults.loseNextAnswer();
  assert.is(await server.client.incr("counter"), 1n);
  assert.is(server.faults.proxy.log[0]?.fault, "lose-answer");
  assert.is(await server.client.incr("counter"), 2n);
});

test("a fault meets the requests of its key alone", async () => {
  server.faults.failNext(1, { key: "other", of: "writes" });
  await server.client.set("key", value);
  assert.is(await seen(server.client.set("other", value)), "BACKEND_UNAVAILABLE, UNKNOWN");
});

test("faults come in the order in which they were asked for, and end with clear", async () => {
  server.faults.throttleNext(1, { of: "writes", reason: "TableWriteMaxOnDemandThroughputExceeded" });
  server.faults.loseNextAnswer({ times: 3 });
  await server.client.set("key", value);
  assert.equal(
    server.faults.proxy.log.map(({ fault, error }) => error ?? fault),
    ["ProvisionedThroughputExceededException", "lose-answer"],
  );
  server.faults.clear();
  await server.client.set("key", value);
  assert.is(server.faults.proxy.log.length, 0);
});

test("the server's own probes meet no fault that is counted", async () => {
  server.faults.failNext(1, { of: "GetItem" });
  const probe = { operation: "GetItem", n: 1, bytes: Buffer.alloc(0), body: { Key: { id: { S: "dynakv:probe" } } } };
  assert.is(await server.faults.proxy.decide?.(probe), undefined);
  assert.ok(await server.faults.proxy.decide?.({ ...probe, body: { Key: { id: { S: "a" } } } }));
});

test("a fault that cannot be is an error, and plans nothing", () => {
  const { faults } = server;
  assert.throws(() => faults.throttleNext(-1), /times is -1/);
  assert.throws(() => faults.failNext(1, { of: "PutItems" as "PutItem" }), /not PutItems/);
  assert.throws(() => faults.slowDown(Number.NaN), /ms is NaN/);
});

test.run();
