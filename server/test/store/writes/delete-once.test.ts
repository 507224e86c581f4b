import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("Delete with a request id");
const nowMs = 1_800_000_000_400;
let server: TestServer;
let proxy: FaultProxy;
/** Of a replica that reaches the engine through the proxy. */
let faulty: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: faulty } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const holds = (etag: string) => ({ test: { case: "ifEtag", value: etag } }) as const;
const absent = { test: { case: "ifAbsent", value: {} } } as const;
const expiry = { policy: { case: "after", value: { seconds: 60n } } } as const;
const current = async (key: string) => (await server.client.get({ key, consistency: Consistency.STRONG })).entry;
const freshId = () => createRequestId(nowMs);

const makers: Record<string, (key: string) => Promise<{ etag: string }>> = {
  "a value": (key) => server.client.set({ key, value: bytes("old") }),
  "a value that expires": (key) => server.client.set({ key, value: bytes("old"), expiry }),
  "an empty value": (key) => server.client.set({ key, value: bytes("") }),
  "a counter": (key) => server.client.incr({ key, requestId: freshId() }),
  "a counter that expires": (key) => server.client.incr({ key, expiry }),
  "a counter that was set": (key) => server.client.set({ key, counter: 7n }),
};

for (const [state, make] of Object.entries(makers)) {
  test(`of ${state}: a repetition is told the same, through any replica, and another that it has not removed it`, async () => {
    const key = `twice ${state}`;
    const request = { key, condition: holds((await make(key)).etag), requestId: freshId() };
    assert.is((await server.client.delete(request)).existed, true);
    for (const client of [faulty, server.client]) {
      assert.is((await client.delete(request)).existed, true);
      assert.is((await client.delete({ ...request, requestId: freshId() })).existed, false);
    }
    assert.is(await current(key), undefined);
  });

  for (const fault of ["lose-answer", "refuse"] as const) {
    test(`of ${state}: is carried out once when its ${fault === "refuse" ? "request" : "answer"} is lost`, async () => {
      const key = `${fault} ${state}`;
      const condition = holds((await make(key)).etag);
      proxy.failNext("UpdateItem", 2, fault);
      assert.is((await faulty.delete({ key, condition, requestId: freshId() })).existed, true);
      assert.is(await current(key), undefined);
      assert.is((await faulty.delete({ key, condition, requestId: freshId() })).existed, false);
      const other = await failureOf(faulty.delete({ key, condition: holds("other"), requestId: freshId() }));
      assert.equal([other.reason, other.outcome], ["ETAG_MISMATCH", "NOT_APPLIED"]);
    });
  }
}

test("of two callers one removes the entry, while the answers of both are lost", async () => {
  const key = "two callers";
  const { etag } = await server.client.set({ key, value: bytes("old") });
  proxy.failNext("UpdateItem", 4, "lose-answer");
  const ids = [freshId(), freshId()];
  const take = (requestId: string) => faulty.delete({ key, condition: holds(etag), requestId });
  const done = await Promise.all(ids.map(take));
  assert.is(done.filter(({ existed }) => existed).length, 1);
  assert.equal(await Promise.all(ids.map(take)), done);
});

test("that it may be repeated is said while nobody knows what became of it", async () => {
  const key = "unknown";
  const { etag } = await server.client.set({ key, value: bytes("old") });
  const request = { key, condition: holds(etag), requestId: freshId() };
  proxy.decide = () => "lose-answer";
  const { outcome, retryable, hasRetryInfo } = await failureOf(faulty.delete(request));
  assert.equal({ outcome, retryable, hasRetryInfo }, { outcome: "UNKNOWN", retryable: true, hasRetryInfo: true });
  for await (const { results } of faulty.mDelete({
    keys: [key],
    conditions: { 0: request.condition },
    requestIds: { 0: request.requestId },
  })) {
    const [{ result } = {}] = results;
    assert.ok(result?.case === "error" && result.value.detail?.retryable && result.value.retryDelay !== undefined);
  }
  proxy.reset();
  assert.is((await faulty.delete(request)).existed, true);
});

test("an id that is sent with another etag tells nothing of that", async () => {
  const key = "another etag";
  const before = await server.client.set({ key, value: bytes("old") });
  const { etag } = await server.client.set({ key, value: bytes("new") });
  const requestId = freshId();
  assert.is((await server.client.delete({ key, condition: holds(etag), requestId })).existed, true);
  const other = await failureOf(server.client.delete({ key, condition: holds(before.etag), requestId }));
  assert.equal([other.reason, other.outcome], ["ETAG_MISMATCH", "NOT_APPLIED"]);
});

test("an etag that another program has chosen may have a colon in it", async () => {
  const key = "colon";
  await server.putRaw({ id: { S: key }, result: { B: bytes("c") }, etag: { S: "a:b:c" } });
  const request = { key, condition: holds("a:b:c") };
  assert.is((await server.client.delete({ ...request, requestId: freshId() })).existed, true);
  assert.is((await server.client.delete({ ...request, requestId: freshId() })).existed, false);
});

test("a repetition that comes after a new Set leaves what that has stored", async () => {
  const key = "set anew";
  const { etag } = await server.client.set({ key, value: bytes("old") });
  const request = { key, condition: holds(etag), requestId: freshId() };
  await server.client.delete(request);
  const anew = await server.client.set({ key, value: bytes("new"), condition: absent });
  const failure = await failureOf(faulty.delete(request));
  assert.equal([failure.reason, failure.currentEtag], ["ETAG_MISMATCH", anew.etag]);
  assert.is((await current(key))?.etag, anew.etag);
});

test("what is left counts as absent in every way, and holds neither data nor a time to come", async () => {
  const key = "absent";
  const remove = async () => {
    const { etag } = await server.client.set({ key, value: bytes("secret"), expiry });
    await server.client.delete({ key, condition: holds(etag), requestId: freshId() });
  };
  await remove();
  const { ttl, ...raw } = (await server.rawItem(key)) ?? {};
  assert.equal(Object.keys(raw).sort(), ["etag", "id", "result", "timestamp"]);
  // Celery's own Get takes an empty result for none, and raises a KeyError where there is no attribute for it.
  assert.equal([raw.result?.B, raw.timestamp?.N], [new Uint8Array(), (nowMs / 1000).toString()]);
  assert.ok(Number(ttl?.N) < nowMs / 1000);
  const keys = [];
  for await (const { results } of server.client.scan({ prefix: key })) {
    keys.push(...results);
  }
  assert.equal(keys, []);
  for await (const { results } of server.client.mGet({ keys: [key] })) {
    assert.is(results[0]?.result.case, "missing");
  }
  assert.is((await server.client.delete({ key, returnEntry: true })).existed, false);
  await remove();
  assert.is((await server.client.touch({ key, expiry })).existed, false);
  proxy.requests.clear();
  assert.is((await faulty.set({ key, value: bytes("new"), returnPrevious: true })).previous, undefined);
  assert.equal([proxy.requests.get("PutItem"), proxy.requests.get("UpdateItem")], [1, undefined]);
  await remove();
  assert.is((await server.client.set({ key, value: bytes("new"), condition: absent })).expireTime, undefined);
  await remove();
  const counted = await server.client.incr({ key });
  assert.equal([counted.value, counted.expireTime], [1n, undefined]);
  const mark = (await server.client.delete({ key, condition: holds(counted.etag), requestId: freshId() })).existed;
  assert.is(mark, true);
});

test("an increment from before is not counted anew", async () => {
  const key = "remembered";
  const requestId = freshId();
  const first = await server.client.incr({ key, delta: 5n, requestId });
  await server.client.delete({ key, condition: holds(first.etag), requestId: freshId() });
  const again = await server.client.incr({ key, delta: 5n, requestId });
  assert.equal([again.value, again.replayed], [5n, true]);
  assert.is(await current(key), undefined);
});

test("of a counter all is removed once nobody can repeat what it remembers", async () => {
  const key = "forgotten";
  const counted = await server.client.incr({ key, requestId: freshId() });
  const laterMs = nowMs + 3_600_000;
  const { client: later } = await server.replica({ clock: () => laterMs });
  const request = { key, condition: holds(counted.etag), requestId: createRequestId(laterMs) };
  assert.is((await later.delete(request)).existed, true);
  assert.equal(Object.keys((await server.rawItem(key)) ?? {}).sort(), ["etag", "id", "result", "timestamp", "ttl"]);
});

test("what Celery has written is removed whole, and a lost answer is unknown", async () => {
  for (const [key, fault, outcome] of [
    ["celery", undefined, undefined],
    ["celery, lost", "lose-answer", "UNKNOWN"],
  ] as const) {
    await server.putRaw({ id: { S: key }, result: { B: bytes("c") }, timestamp: { N: "1790000000.5" } });
    const request = { key, condition: holds((await current(key))?.etag ?? ""), requestId: freshId() };
    if (fault === undefined) {
      assert.is((await faulty.delete(request)).existed, true);
    } else {
      proxy.failNext("DeleteItem", 1, fault);
      assert.is((await failureOf(faulty.delete(request))).outcome, outcome);
    }
    assert.is(await server.rawItem(key), undefined);
  }
});

test("an id without an etag, with an entry to return, or that is none, is refused", async () => {
  const key = "refused";
  const { etag } = await server.client.set({ key, value: bytes("old") });
  const condition = holds(etag);
  for (const request of [
    { key, requestId: freshId() },
    { key, requestId: freshId(), condition: { test: { case: "ifPresent", value: {} } } as const },
    { key, requestId: freshId(), condition, returnEntry: true },
    { key, requestId: "b5a3c6a2-9f6f-4c25-8f8b-0c6a7a1f2d3e", condition },
  ]) {
    const { code, field, outcome } = await failureOf(server.client.delete(request));
    assert.equal([code, field, outcome], ["InvalidArgument", "request_id", "NOT_APPLIED"]);
  }
  const many = await failureOf(
    (async () => {
      for await (const _ of server.client.mDelete({ keys: [key], requestIds: { 1: freshId() } })) {
        // Refused as a whole.
      }
    })(),
  );
  assert.equal([many.code, many.field, many.outcome], ["InvalidArgument", "request_ids", "NOT_APPLIED"]);
  assert.is((await current(key))?.etag, etag);
});

test("each position of an MDelete has its own id", async () => {
  const keys = ["m0", "m1", "m2"];
  const sets = await Promise.all(keys.map((key) => server.client.set({ key, value: bytes(key) })));
  const conditions = Object.fromEntries(sets.map(({ etag }, index) => [index, holds(etag)]));
  const requestIds = { 0: freshId(), 1: freshId() };
  for (const expected of [
    ["deleted", "deleted", "deleted"],
    ["deleted", "deleted", "error"],
  ]) {
    const cases: string[] = [];
    for await (const { results } of faulty.mDelete({ keys, conditions, requestIds })) {
      for (const { index, result } of results) {
        cases[index] = result.case ?? "";
      }
    }
    assert.equal(cases, expected);
  }
});

test.run();
