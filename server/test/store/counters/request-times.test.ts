import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import type { IncrResponse } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { isOwnProbe } from "../../support/own-probe.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("ids whose time is not the server's");
const windowMs = 600_000;
const minute = 60_000;
let nowMs = 1_800_000_000_000;
let server: TestServer;
/** A replica whose clock is two minutes behind, and what it asks of the engine. */
let behind: KeyValueClient;
let proxy: FaultProxy;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, requestSlots: 4 });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { endpoint } = proxy;
  ({ client: behind } = await server.replica({ endpoint, clock: () => nowMs - 2 * minute }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: 2 });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

/** Notes from here on what the replica asks for, by operation. */
function noteRequests(): Record<string, number> {
  const noted: Record<string, number> = {};
  proxy.decide = (request) => {
    if (!isOwnProbe(request)) {
      noted[request.operation] = (noted[request.operation] ?? 0) + 1;
    }
    return "forward";
  };
  return noted;
}

test("a replica whose clock is behind answers what was applied by another, wherever it is remembered", async () => {
  const key = "applied";
  const ids = Array.from({ length: 12 }, (_, n) => createRequestId(nowMs + n));
  const originals: IncrResponse[] = [];
  for (const requestId of ids) {
    originals.push(await server.client.incr({ key, requestId }));
  }
  const expectReplays = async (when: string) => {
    for (const [n, requestId] of ids.entries()) {
      const again = await behind.incr({ key, requestId });
      const { value, etag } = originals[n] ?? {};
      assert.equal([again.value, again.etag, again.replayed], [value, etag, true], `${when}, ${n}`);
    }
  };
  await expectReplays("a counter");
  await server.client.delete({ key });
  await expectReplays("deleted");
  await server.client.set({ key, value: new Uint8Array([1]) });
  await expectReplays("a value in its place");
  await server.client.delete({ key });
  await server.client.incr({ key });
  await expectReplays("started anew");
  assert.is(await countAt(key), 1n);
});

test("what it does not find it refuses, with its time, and adds nothing", async () => {
  await server.client.incr({ key: "there", requestId: createRequestId(nowMs) });
  for (const key of ["there", "absent"]) {
    const failure = await failureOf(behind.incr({ key, requestId: createRequestId(nowMs) }));
    assert.equal(
      [failure.code, failure.reason, failure.field, failure.outcome, failure.retryable],
      ["InvalidArgument", "INVALID_FIELD", "request_id", "NOT_APPLIED", false],
    );
    assert.match(failure.message, "its time is 120 s ahead of the server's; at most 60 s are taken");
  }
  assert.is(await countAt("there"), 1n);
  assert.is(await server.rawItem("absent"), undefined);
});

test("among many that come at once, each is told apart", async () => {
  const key = "many";
  const known = Array.from({ length: 20 }, () => createRequestId(nowMs));
  await Promise.all(known.map((requestId) => server.client.incr({ key, requestId })));
  const timely = Array.from({ length: 20 }, () => createRequestId(nowMs - 2 * minute));
  const unknown = Array.from({ length: 20 }, () => createRequestId(nowMs));
  const results = await Promise.allSettled(
    [...known, ...timely, ...unknown].map((requestId) => behind.incr({ key, requestId })),
  );
  const told = results.map((each) =>
    each.status === "rejected" ? "refused" : each.value.replayed ? "known" : "added",
  );
  assert.equal(
    told,
    ["known", "added", "refused"].flatMap((word) => Array(20).fill(word)),
  );
  assert.is(await countAt(key), 40n);
});

test("a member that was counted is answered as it is whatever the id's time", async () => {
  const key = "members";
  await server.client.incr({ key, member: "a" });
  assert.is((await behind.incr({ key, member: "a", requestId: createRequestId(nowMs) })).replayed, true);
  assert.is(
    (await failureOf(behind.incr({ key, member: "b", requestId: createRequestId(nowMs) }))).field,
    "request_id",
  );
  assert.is(await countAt(key), 1n);
});

test("an id that is too old costs one read, where nothing of its time can be in the archive", async () => {
  const key = "few";
  await server.client.incr({ key, requestId: createRequestId(nowMs) });
  const asked = noteRequests();
  for (const name of [key, "missing"]) {
    const requestId = createRequestId(nowMs - windowMs - 3 * minute);
    assert.is((await failureOf(behind.incr({ key: name, requestId }))).reason, "REQUEST_TOO_OLD");
  }
  assert.equal(asked, { GetItem: 2 });
});

test("an id is answered from the archive when it is too old to be added, until that has expired", async () => {
  const key = "archived";
  const ids = Array.from({ length: 12 }, (_, n) => createRequestId(nowMs + n));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  const [requestId = ""] = ids;
  nowMs += windowMs + 5 * minute;
  const asked = noteRequests();
  assert.is((await behind.incr({ key, requestId })).value, 1n);
  assert.equal(asked, { GetItem: 1, BatchGetItem: 1 });
  nowMs += 2 * 3_600_000;
  assert.is((await failureOf(behind.incr({ key, requestId }))).reason, "REQUEST_TOO_OLD");
  assert.equal(asked, { GetItem: 2, BatchGetItem: 1 });
  assert.is(await countAt(key), 12n);
});

test.run();
