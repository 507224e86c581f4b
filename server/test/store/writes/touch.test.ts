import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("Touch");
let nowMs = 1_800_000_000_000;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.after(() => server.stop());

const value = Buffer.from("v");
const after = (seconds: number) => ({ policy: { case: "after", value: { seconds: BigInt(seconds) } } }) as const;
const never = { policy: { case: "never", value: {} } } as const;

test("the expiry changes, and the etag with it; value and write time stay", async () => {
  const key = "value";
  const set = await server.client.set({ key, value, expiry: after(10) });
  nowMs += 5000;
  const touched = await server.client.touch({ key, expiry: after(60) });
  assert.is(touched.existed, true);
  assert.is(touched.expireTime?.seconds, BigInt(nowMs / 1000 + 60));
  assert.is.not(touched.etag, set.etag);
  const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
  assert.equal([entry?.etag, entry?.expireTime], [touched.etag, touched.expireTime]);
  assert.equal(entry?.writeTime, set.writeTime);
  assert.is((await server.client.touch({ key, expiry: never })).expireTime, undefined);
  assert.is((await server.rawItem(key))?.ttl, undefined);
  const at = { policy: { case: "at", value: { seconds: BigInt(nowMs / 1000 + 7) } } } as const;
  assert.is((await server.client.touch({ key, expiry: at })).expireTime?.seconds, BigInt(nowMs / 1000 + 7));
});

test("a counter keeps its count, and what it remembers", async () => {
  const key = "counter";
  await server.client.incr({ key, delta: 4n });
  const { etag } = await server.client.touch({ key, expiry: after(60) });
  assert.is((await server.client.get({ key, consistency: Consistency.STRONG })).entry?.etag, etag);
  assert.is((await server.client.incr({ key })).value, 5n);
  assert.ok((await server.rawItem(key))?.ttl);
});

test("what is missing or expired is not touched", async () => {
  assert.equal((await server.client.touch({ key: "missing", expiry: never })).existed, false);
  assert.is(await server.rawItem("missing"), undefined);
  await server.client.set({ key: "expired", value, expiry: after(1) });
  nowMs += 1000;
  const { existed, etag } = await server.client.touch({ key: "expired", expiry: never });
  assert.equal([existed, etag], [false, ""]);
  assert.ok((await server.rawItem("expired"))?.ttl);
});

test("a condition is checked in the same request: a lock is renewed only by who holds it", async () => {
  const key = "lock";
  const { etag } = await server.client.set({ key, value, expiry: after(10) });
  const holds = (held: string) => ({ test: { case: "ifEtag", value: held } }) as const;
  const renewed = await server.client.touch({ key, expiry: after(10), condition: holds(etag) });
  const failure = await failureOf(server.client.touch({ key, expiry: after(10), condition: holds(etag) }));
  assert.equal(
    [failure.code, failure.reason, failure.outcome, failure.currentEtag],
    ["Aborted", "ETAG_MISMATCH", "NOT_APPLIED", renewed.etag],
  );
  nowMs += 10_000;
  const late = await failureOf(server.client.touch({ key, expiry: after(10), condition: holds(renewed.etag) }));
  assert.equal([late.reason, late.currentEtag], ["ETAG_MISMATCH", ""]);
  const present = { test: { case: "ifPresent", value: {} } } as const;
  assert.is((await failureOf(server.client.touch({ key, expiry: never, condition: present }))).reason, "NOT_PRESENT");
});

test("an item of Celery's is touched like any other", async () => {
  await server.putRaw({ id: { S: "celery" }, result: { B: value }, timestamp: { N: "1763881600.25" } });
  const before = (await server.client.get({ key: "celery", consistency: Consistency.STRONG })).entry?.etag ?? "";
  const condition = { test: { case: "ifEtag", value: before } } as const;
  const { etag, expireTime } = await server.client.touch({ key: "celery", expiry: after(60), condition });
  const { entry } = await server.client.get({ key: "celery", consistency: Consistency.STRONG });
  assert.equal([entry?.etag, entry?.expireTime, entry?.writeTime?.nanos], [etag, expireTime, 250_000_000]);
});

test("an expiry must be given, and one that is a change", async () => {
  const keep = { policy: { case: "keep", value: {} } } as const;
  const past = { policy: { case: "at", value: { seconds: 1n } } } as const;
  for (const expiry of [undefined, keep, past, { policy: { case: undefined } } as const]) {
    const failure = await failureOf(server.client.touch({ key: "k", ...(expiry === undefined ? {} : { expiry }) }));
    assert.equal([failure.code, failure.reason, failure.outcome], ["InvalidArgument", "INVALID_EXPIRY", "NOT_APPLIED"]);
  }
  const absent = { test: { case: "ifAbsent", value: {} } } as const;
  const failure = await failureOf(server.client.touch({ key: "k", expiry: never, condition: absent }));
  assert.equal([failure.code, failure.field], ["InvalidArgument", "condition.if_absent"]);
});

test("a Touch whose answer is lost finds what it has done", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { client, server: replica } = await server.replica({ endpoint: proxy.endpoint });
  await server.client.set({ key: "lost", value });
  proxy.failNext("UpdateItem", 1, "lose-answer");
  const { etag, expireTime } = await client.touch({ key: "lost", expiry: after(60) });
  assert.is(expireTime?.seconds, BigInt(nowMs / 1000 + 60));
  assert.is((await server.client.get({ key: "lost", consistency: Consistency.STRONG })).entry?.etag, etag);
  proxy.failNext("UpdateItem", 1, "refuse");
  assert.is((await failureOf(client.touch({ key: "lost", expiry: never }))).outcome, "UNKNOWN");
  await replica.stop();
  await proxy.stop();
});

test.run();
