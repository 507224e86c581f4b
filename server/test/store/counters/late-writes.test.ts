import * as assert from "uvu/assert";
import { createClient } from "../../../../client/src/index.js";
import { createRequestId } from "../../../../common/request-ids.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { holdRequest } from "../../support/hold-request.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("writes that arrive late");
let nowMs = 1_800_000_000_000;
let server: TestServer;
let proxy: FaultProxy;
/** Another replica on the same table, whose requests go through the proxy. */
let behind: KeyValueClient;
let behindUrl: string;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: behind, url: behindUrl } = await server.replica({ endpoint: proxy.endpoint }));
});

test.after.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const windowMs = 600_000;
const value = new Uint8Array([1]);

async function countAt(key: string): Promise<bigint | string | undefined> {
  const { entry } = await server.client.get({ key, consistency: 2 });
  return entry?.data.case === "counter" ? entry.data.value : entry?.data.case;
}

test("ids that were dropped are refused together as they are alone", async () => {
  const key = "dropped";
  let skewMs = 0;
  const { client: ahead } = await server.replica({ clock: () => nowMs + skewMs });
  const ids = Array.from({ length: 30 }, (_, n) => createRequestId(nowMs + n));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  skewMs = 2 * windowMs + 60_000;
  for (let n = 0; n < 14; n++) {
    await ahead.incr({ key });
  }
  const before = await countAt(key);
  const errors = await Promise.all(ids.map((requestId) => failureOf(server.client.incr({ key, requestId }))));
  assert.equal([...new Set(errors.map(({ reason }) => reason))], ["REQUEST_TOO_OLD"]);
  assert.is(await countAt(key), before);
});

test("a Set on a deleted counter, whose answer was lost and whose value was deleted, is not applied again", async () => {
  const key = "set-again";
  await server.client.incr({ key, requestId: createRequestId(nowMs) });
  await server.client.delete({ key });
  // The answer of the first is lost, and the second held back: what failNext takes is not counted.
  proxy.failNext("UpdateItem", 1, { kind: "replace-answer", status: 500, body: { __type: "InternalServerError" } });
  const { held, release } = holdRequest(proxy, ["UpdateItem"], 1);
  const set = failureOf(behind.set({ key, value }));
  await held();
  assert.ok((await server.client.delete({ key })).existed);
  release();
  assert.is((await set).outcome, "UNKNOWN");
  assert.is(await countAt(key), undefined);
});

for (const how of ["delete", "set"] as const) {
  test(`a ${how} that found nothing but an old memory does not remove a newer one`, async () => {
    const key = `memory-${how}`;
    await server.client.incr({ key, requestId: createRequestId(nowMs) });
    await server.client.delete({ key });
    nowMs += 2 * windowMs + 60_000;
    // The first is refused because of the memory, and the second is sent on the condition that it is the same still.
    const { held, release } = holdRequest(proxy, ["DeleteItem", "PutItem"], 2);
    const late = how === "set" ? behind.set({ key, value }) : behind.delete({ key });
    await held();
    const requestId = createRequestId(nowMs);
    assert.is((await server.client.incr({ key, requestId })).value, 1n);
    await server.client.delete({ key });
    release();
    await late;
    await server.client.delete({ key });
    const again = await server.client.incr({ key, requestId });
    assert.equal([again.value, again.replayed], [1n, true]);
    assert.is(await countAt(key), undefined);
  });
}

test("a Delete in the second in which what a deleted counter remembers ends says that there was no entry", async () => {
  const key = "ends within a second";
  nowMs = Math.ceil(nowMs / 1000) * 1000 + 400;
  await server.client.incr({ key, requestId: createRequestId(nowMs) });
  await server.client.delete({ key });
  // It may go from a millisecond on, and its TTL is in whole seconds.
  nowMs = Number((await server.rawItem(key))?.ttl?.N) * 1000 - 1;
  assert.equal(await server.client.delete({ key }).then(({ existed }) => existed), false);
  assert.is(await server.rawItem(key), undefined);
});

test("the client takes no fresh id for an increment whose first try is still on its way", async () => {
  const key = "in-doubt";
  await server.client.incr({ key });
  const client = createClient({ address: behindUrl });
  const { held, release } = holdRequest(proxy, ["UpdateItem"], 1, { alone: true });
  const increment = client.incr(key).then(
    (count) => `counted ${count}`,
    (error) => error.reason,
  );
  await held();
  await server.client.delete({ key });
  nowMs += windowMs + 500;
  proxy.outage(true);
  proxy.outage(false);
  assert.is(await increment, "REQUEST_TOO_OLD");
  release();
  await client.close();
});

test.run();
