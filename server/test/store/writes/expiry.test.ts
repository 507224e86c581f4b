import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { isEmbeddedEngine } from "../../support/engine.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("expiry");
let server: TestServer;
// A whole second, so that the edges below can be named.
let nowMs = 1_800_000_000_000;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.after(() => server.stop());

const value = Buffer.from("v");
const after = (seconds: number, nanos = 0) =>
  ({ policy: { case: "after", value: { seconds: BigInt(seconds), nanos } } }) as const;
const at = (second: number, nanos = 0) =>
  ({ policy: { case: "at", value: { seconds: BigInt(second), nanos } } }) as const;
const never = { policy: { case: "never", value: {} } } as const;
const keep = { policy: { case: "keep", value: {} } } as const;
const nowSecond = () => Math.floor(nowMs / 1000);

async function isThere(key: string): Promise<boolean> {
  return (await server.client.get({ key })).entry !== undefined;
}

test("an entry is there until its last millisecond, and gone from the second it expires", async () => {
  await server.client.set({ key: "edge", value, expiry: after(10) });
  nowMs += 9_999;
  assert.is(await isThere("edge"), true);
  nowMs += 1;
  assert.is(await isThere("edge"), false);
  assert.ok(await server.rawItem("edge"), "the item lies in the table still");
  nowMs += 1000;
});

test("an expiry within a second is rounded up to the next, in the answer and in the item", async () => {
  const second = nowSecond();
  const { expireTime } = await server.client.set({ key: "rounded", value, expiry: after(1, 1) });
  assert.is(expireTime?.seconds, BigInt(second + 2));
  assert.equal((await server.rawItem("rounded"))?.ttl, { N: `${second + 2}` });
  await server.client.set({ key: "rounded", value, expiry: at(second + 5, 1) });
  assert.equal((await server.rawItem("rounded"))?.ttl, { N: `${second + 6}` });
});

test("Get tells the expiry, and an entry without one has none", async () => {
  await server.client.set({ key: "told", value, expiry: at(nowSecond() + 60) });
  assert.is((await server.client.get({ key: "told" })).entry?.expireTime?.seconds, BigInt(nowSecond() + 60));
  await server.client.set({ key: "told", value });
  assert.is((await server.client.get({ key: "told" })).entry?.expireTime, undefined);
  assert.is((await server.rawItem("told"))?.ttl, undefined);
});

test("an expired entry is missing in MGet", async () => {
  await server.client.set({ key: "listed", value, expiry: after(1) });
  nowMs += 1000;
  const results = [];
  for await (const message of server.client.mGet({ keys: ["listed"] })) {
    results.push(...message.results);
  }
  assert.equal(
    results.map(({ result }) => result.case),
    ["missing"],
  );
});

test("deleting an expired entry says that there was none, and removes the item", async () => {
  await server.client.set({ key: "buried", value, expiry: after(1) });
  nowMs += 1000;
  assert.is((await server.client.delete({ key: "buried" })).existed, false);
  assert.is(await server.rawItem("buried"), undefined);
});

test("an expired counter starts anew, and does not keep the old expiry", async () => {
  await server.client.incr({ key: "anew", delta: 5n, expiry: after(1) });
  nowMs += 1000;
  const { value: count, expireTime } = await server.client.incr({ key: "anew", initial: 10n });
  assert.is(count, 11n);
  assert.is(expireTime, undefined);
  assert.is((await server.rawItem("anew"))?.ttl, undefined);
});

test("50 clients that increment an expired counter all count", async () => {
  await server.client.incr({ key: "crowd", delta: 1000n, expiry: after(1) });
  nowMs += 1000;
  const answers = await Promise.all(Array.from({ length: 50 }, () => server.client.incr({ key: "crowd" })));
  assert.is(new Set(answers.map((answer) => answer.value)).size, 50);
  assert.is((await server.client.incr({ key: "crowd", delta: 0n })).value, 50n);
});

test("an expired value is no obstacle to a counter", async () => {
  await server.client.set({ key: "was-value", value, expiry: after(1) });
  nowMs += 1000;
  assert.is((await server.client.incr({ key: "was-value" })).value, 1n);
  assert.is((await server.rawItem("was-value"))?.result, undefined);
});

test("an increment keeps the counter's expiry unless told otherwise", async () => {
  const second = nowSecond();
  await server.client.incr({ key: "kept", expiry: at(second + 100) });
  assert.is((await server.client.incr({ key: "kept" })).expireTime?.seconds, BigInt(second + 100));
  assert.is((await server.client.incr({ key: "kept", expiry: keep })).expireTime?.seconds, BigInt(second + 100));
  assert.is((await server.client.incr({ key: "kept", expiry: after(200) })).expireTime?.seconds, BigInt(second + 200));
  assert.is((await server.client.incr({ key: "kept", expiry: never })).expireTime, undefined);
  assert.equal((await server.rawItem("kept"))?.chord_count, { N: "5" });
});

test("an expiry that is past, not positive, empty or beyond the year 9999 is a bad request and stores nothing", async () => {
  const bad = [after(0), after(-1), at(nowSecond()), at(nowSecond() - 1), at(253_402_300_800), after(1e12), {}];
  for (const expiry of bad) {
    const failures = [
      await failureOf(server.client.set({ key: "bad", value, expiry })),
      await failureOf(server.client.incr({ key: "bad", expiry })),
    ];
    for (const failure of failures) {
      assert.equal(
        [failure.code, failure.reason, failure.outcome],
        ["InvalidArgument", "INVALID_EXPIRY", "NOT_APPLIED"],
        JSON.stringify(expiry, (_, each) => (typeof each === "bigint" ? Number(each) : each)),
      );
    }
  }
  assert.is(await server.rawItem("bad"), undefined);
});

test("Set keeps an entry's expiry on request, whatever the entry was", async () => {
  const set = (key: string) => server.client.set({ key, value: Buffer.from("new"), expiry: keep });
  const inAMinute = { policy: { case: "after", value: { seconds: 60n } } } as const;
  const { expireTime } = await server.client.set({ key: "kept", value, expiry: inAMinute });
  nowMs += 5000;
  const kept = await set("kept");
  assert.equal(kept.expireTime, expireTime);
  const { entry } = await server.client.get({ key: "kept", consistency: 2 });
  assert.equal([String(entry?.data.value), entry?.etag], [String(Uint8Array.from(Buffer.from("new"))), kept.etag]);
  assert.equal(entry?.expireTime, expireTime);

  assert.is((await set("kept-new")).expireTime, undefined);
  assert.is((await set("kept-new")).expireTime, undefined);

  const counter = await server.client.incr({ key: "kept-counter", expiry: inAMinute });
  assert.equal((await set("kept-counter")).expireTime, counter.expireTime);
  assert.is((await server.rawItem("kept-counter"))?.chord_count, undefined);
});

test("Set that keeps the expiry starts anew where the entry has expired, and obeys its condition", async () => {
  const set = (key: string, test: object) =>
    server.client.set({ key, value, expiry: keep, condition: { test: test as never } });
  await server.client.set({ key: "over", value, expiry: { policy: { case: "after", value: { seconds: 1n } } } });
  nowMs += 2000;
  assert.is((await failureOf(set("over", { case: "ifPresent", value: {} }))).reason, "NOT_PRESENT");
  const { etag, expireTime } = await set("over", { case: "ifAbsent", value: {} });
  assert.is(expireTime, undefined);
  assert.is((await failureOf(set("over", { case: "ifAbsent", value: {} }))).reason, "ALREADY_EXISTS");
  assert.is((await failureOf(set("over", { case: "ifEtag", value: "other" }))).currentEtag, etag);
  await set("over", { case: "ifEtag", value: etag });
});

test("the server's default can be asked for by name", async () => {
  const { client } = await server.replica({ ttlSeconds: 60 });
  const expiry = { policy: { case: "serverDefault", value: {} } } as const;
  const second = BigInt(nowSecond() + 60);
  await client.incr({ key: "by-name", expiry: never });
  assert.is((await client.incr({ key: "by-name", expiry })).expireTime?.seconds, second);
  assert.is((await client.set({ key: "by-name", value, expiry })).expireTime?.seconds, second);
  assert.is((await server.client.incr({ key: "no-default", expiry })).expireTime, undefined);
});

test("with a default expiry, entries that set none have it, never means never, and counters keep their own", async () => {
  const { client } = await server.replica({ ttlSeconds: 60 });
  const second = BigInt(nowSecond() + 60);
  assert.is((await client.set({ key: "default", value })).expireTime?.seconds, second);
  assert.is((await client.set({ key: "default", value, expiry: never })).expireTime, undefined);

  await server.client.incr({ key: "old-counter" });
  assert.is((await client.incr({ key: "old-counter" })).expireTime, undefined);
  assert.is((await client.incr({ key: "new-counter" })).expireTime?.seconds, second);
  nowMs += 30_000;
  assert.is((await client.incr({ key: "new-counter" })).expireTime?.seconds, second);
  nowMs += 30_000;
  assert.is((await client.incr({ key: "new-counter" })).value, 1n);
});

if (isEmbeddedEngine) {
  test("where the engine does not reap, the server removes what has expired, and nothing else", async () => {
    await server.putRaw({ id: { S: "to-reap" }, result: { B: value }, ttl: { N: `${nowSecond()}` } });
    await server.putRaw({ id: { S: "to-stay" }, result: { B: value }, ttl: { N: `${nowSecond() + 1}` } });
    // An increment of it can still be repeated.
    const counterOf = (ms: number) => {
      const sequence = (BigInt(ms) << 12n).toString();
      return { chord_count: { N: "1" }, dynakv_requests: { M: { writer: { N: sequence }, "writer=": { N: "1" } } } };
    };
    const ttl = { N: `${nowSecond()}` };
    await server.putRaw({ id: { S: "to-remember" }, ...counterOf(nowMs - 1_199_000), ttl });
    await server.putRaw({ id: { S: "to-forget" }, ...counterOf(nowMs - 1_200_000), ttl });
    // The first pass comes with the start.
    await server.replica({ ttlSeconds: 60 });
    while ((await server.rawItem("to-reap")) !== undefined || (await server.rawItem("to-forget")) !== undefined) {
      await sleep(20);
    }
    assert.ok(await server.rawItem("to-stay"));
    assert.ok(await server.rawItem("to-remember"));
  });
}

test("an item whose ttl is no number, or in milliseconds, is there", async () => {
  await server.putRaw({ id: { S: "odd-ttl" }, result: { B: value }, ttl: { S: "soon" } });
  assert.is(await isThere("odd-ttl"), true);
  await server.putRaw({ id: { S: "ms-ttl" }, result: { B: value }, ttl: { N: `${nowMs}` } });
  assert.is((await server.client.get({ key: "ms-ttl" })).entry?.expireTime?.seconds, 253_402_300_799n);
});

test.run();
