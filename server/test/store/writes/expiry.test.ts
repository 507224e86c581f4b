import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type Fault, startFaultProxy } from "../../../src/faults/index.js";
import { isEmbeddedEngine } from "../../support/engine.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";
import { waitUntil } from "../../support/wait-until.js";

const test = suite("expiry");
let server: TestServer;
// A whole second, so that the edges below can be named.
let nowMs = 1_800_000_000_000;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.before.each(() => {
  nowMs = Math.ceil(nowMs / 1000) * 1000;
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

test("an expiry is kept to the millisecond, rounded up, and the attribute that others know to the second", async () => {
  const second = nowSecond();
  const { expireTime } = await server.client.set({ key: "rounded", value, expiry: after(1, 1) });
  assert.equal([expireTime?.seconds, expireTime?.nanos], [BigInt(second + 1), 1_000_000]);
  const item = await server.rawItem("rounded");
  assert.equal([item?.ttl, item?.dynakv_expires], [{ N: `${second + 2}` }, { N: `${second + 1}001` }]);
  const told = (await server.client.get({ key: "rounded", consistency: Consistency.STRONG })).entry?.expireTime;
  assert.equal(told, expireTime);
  const exact = { policy: { case: "at", value: { seconds: BigInt(second + 5), nanos: 250_000_001 } } } as const;
  const { expireTime: given } = await server.client.set({ key: "rounded", value, expiry: exact });
  assert.equal([given?.seconds, given?.nanos], [BigInt(second + 5), 251_000_000]);
  // A whole second needs no more than that.
  await server.client.set({ key: "rounded", value, expiry: at(second + 5) });
  assert.equal((await server.rawItem("rounded"))?.dynakv_expires, undefined);
});

/** Each way to see whether an entry is there. */
const seenAlive: Record<string, (key: string) => Promise<boolean>> = {
  Get: isThere,
  MGet: async (key) => {
    for await (const { results } of server.client.mGet({ keys: [key] })) {
      return results[0]?.result.case === "entry";
    }
    return false;
  },
  Scan: async (key) => {
    for await (const { results } of server.client.scan({ prefix: key })) {
      return results.length === 1;
    }
    return false;
  },
  if_absent: async (key) => reasonOf(server.client.set({ key, value, condition: absent })),
  if_present: async (key) => !(await reasonOf(server.client.set({ key, value, condition: present, expiry: keep }))),
  if_etag: async (key) => {
    const etag = (await server.rawItem(key))?.etag?.S ?? "";
    const condition = { test: { case: "ifEtag", value: etag } } as const;
    return !(await reasonOf(server.client.set({ key, value, condition, expiry: keep })));
  },
  Delete: async (key) => (await server.client.delete({ key })).existed,
  Touch: async (key) => (await server.client.touch({ key, expiry: never })).existed,
  return_previous: async (key) =>
    (await server.client.set({ key, value, returnPrevious: true })).previous !== undefined,
};
const absent = { test: { case: "ifAbsent", value: {} } } as const;
const present = { test: { case: "ifPresent", value: {} } } as const;

/** Whether a write is refused for what the key holds. */
async function reasonOf(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (error) {
    const { reason } = await failureOf(Promise.reject(error));
    assert.ok(["ALREADY_EXISTS", "NOT_PRESENT", "ETAG_MISMATCH"].includes(reason ?? ""), reason);
    return true;
  }
}

for (const [how, isAlive] of Object.entries(seenAlive)) {
  test(`${how}: an entry is there in the millisecond before it expires, and gone in that one`, async () => {
    nowMs += 300;
    for (const [left, there] of [
      [1, true],
      [0, false],
    ] as const) {
      const key = `exact-${how}-${left}`;
      await server.client.set({ key, value, expiry: after(1, 200_000_000) });
      nowMs += 1200 - left;
      assert.is(await isAlive(key), there, `${left} ms before`);
    }
  });

  test(`${how}: what another program has made of the second counts, and our millisecond no more`, async () => {
    nowMs += 300;
    const key = `overwritten-${how}`;
    await server.client.set({ key, value, expiry: after(0, 200_000_000) });
    const item = await server.rawItem(key);
    await server.putRaw({ ...item, ttl: { N: `${nowSecond() + 2}` } });
    // Past the millisecond, and within the second whose end it had been before.
    nowMs += 400;
    assert.is(await isAlive(key), true);
  });
}

test("a counter expires and starts anew to the millisecond", async () => {
  nowMs += 300;
  const key = "exact-counter";
  const { expireTime } = await server.client.incr({ key, delta: 5n, expiry: after(1) });
  assert.is(expireTime?.nanos, 300_000_000);
  nowMs += 999;
  assert.is((await server.client.incr({ key })).value, 6n);
  nowMs += 1;
  const anew = await server.client.incr({ key });
  assert.equal([anew.value, anew.expireTime], [1n, undefined]);
  const item = await server.rawItem(key);
  assert.equal([item?.ttl, item?.dynakv_expires], [undefined, undefined]);
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
  const odd = [after(5, -1), after(5, 1_000_000_000), at(nowSecond() + 60, -1), at(nowSecond() + 60, 1_000_000_000)];
  const bad = [...odd, after(0), after(-1), at(nowSecond()), at(nowSecond() - 1), at(253_402_300_800), after(1e12), {}];
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
  const { entry } = await server.client.get({ key: "kept", consistency: Consistency.STRONG });
  assert.equal([String(entry?.data.value), entry?.etag], [String(Uint8Array.from(Buffer.from("new"))), kept.etag]);
  assert.equal(entry?.expireTime, expireTime);

  assert.is((await set("kept-new")).expireTime, undefined);
  assert.is((await set("kept-new")).expireTime, undefined);

  const counter = await server.client.incr({ key: "kept-counter", expiry: inAMinute });
  assert.equal((await set("kept-counter")).expireTime, counter.expireTime);
  assert.is((await server.rawItem("kept-counter"))?.chord_count, undefined);
});

test("a Set in place of a counter that is remembered has the expiry that it asks for", async () => {
  for (const [name, expiry, expected] of [
    ["its own", after(60), BigInt(nowSecond() + 60)],
    ["none", undefined, undefined],
    ["never", never, undefined],
    ["the counter's", keep, BigInt(nowSecond() + 30)],
  ] as const) {
    const key = `over-counter ${name}`;
    const requestId = createRequestId(nowMs);
    await server.client.incr({ key, expiry: after(30), requestId });
    const { expireTime } = await server.client.set({ key, value, ...(expiry === undefined ? {} : { expiry }) });
    assert.is(expireTime?.seconds, expected, name);
    // The item stays for two windows of ten minutes beyond that.
    const kept = expected && { N: `${expected + 1200n}` };
    assert.equal((await server.rawItem(key))?.ttl, kept, name);
    assert.is((await server.client.get({ key, consistency: Consistency.STRONG })).entry?.expireTime?.seconds, expected);
  }
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
    // What a Delete with a request id has left: its ttl lies a day before it, and it can be repeated for ten minutes, by clocks that differ by as much.
    const dayAgo = nowSecond() - 86_400;
    const mark = { result: { B: new Uint8Array() }, etag: { S: "id:etag" } };
    await server.putRaw({ id: { S: "to-know-again" }, ...mark, ttl: { N: `${dayAgo - 1199}` } });
    await server.putRaw({ id: { S: "to-know-no-more" }, ...mark, ttl: { N: `${dayAgo - 1201}` } });
    // The first pass comes with the start.
    await server.replica({ ttlSeconds: 60 });
    await waitUntil("what has expired is gone", async () => {
      const left = await Promise.all(["to-reap", "to-forget", "to-know-no-more"].map((key) => server.rawItem(key)));
      return left.every((item) => item === undefined);
    });
    assert.ok(await server.rawItem("to-stay"));
    assert.ok(await server.rawItem("to-remember"));
    assert.ok(await server.rawItem("to-know-again"));
  });

  test("what is written anew after the server has seen that it had expired is not removed", async () => {
    const ttl = { N: `${nowSecond()}` };
    const memoryAt = (ms: number) => ({
      dynakv_requests: { M: { writer: { N: (BigInt(ms) << 12n).toString() }, "writer=": { N: "1" } } },
    });
    const old = memoryAt(nowMs - 1_200_000);
    const counter = { chord_count: { N: "1" } };
    // How each lies in the table when it is seen, and what it has become when it is to be removed.
    const rewritten: Record<string, [Record<string, AttributeValue>, Record<string, AttributeValue>]> = {
      "anew: a value": [{ result: { B: value }, ttl }, { result: { B: value } }],
      "anew: a value that expires later": [
        { result: { B: value }, ttl },
        { result: { B: value }, ttl: { N: `${nowSecond() + 60}` } },
      ],
      "anew: a counter that is remembered": [
        { ...counter, ...old, ttl },
        { ...counter, ...memoryAt(nowMs), etag: { S: "new" }, ttl },
      ],
      "anew: one that is remembered where none was": [
        { result: { B: value }, ttl },
        { ...counter, ...memoryAt(nowMs), etag: { S: "new" }, ttl },
      ],
    };
    for (const [key, [seen]] of Object.entries(rewritten)) {
      await server.putRaw({ id: { S: key }, ...seen });
    }
    await server.putRaw({ id: { S: "anew: not at all" }, result: { B: value }, ttl });
    const proxy = await startFaultProxy({ target: server.engine.endpoint });
    const tried = new Set<string>();
    proxy.decide = async ({ operation, body }): Promise<Fault> => {
      const key = operation === "DeleteItem" ? ((body.Key as { id: { S: string } }).id.S ?? "") : "";
      const item = rewritten[key]?.[1];
      if (item !== undefined) {
        await server.putRaw({ id: { S: key }, ...item });
      }
      tried.add(key);
      return "forward";
    };
    const { server: reaping } = await server.replica({ endpoint: proxy.endpoint, ttlSeconds: 60 });
    await waitUntil("each has had its turn", () =>
      [...Object.keys(rewritten), "anew: not at all"].every((key) => tried.has(key)),
    );
    await waitUntil(
      "the one that was left is gone",
      async () => (await server.rawItem("anew: not at all")) === undefined,
    );
    for (const key of Object.keys(rewritten)) {
      assert.ok(await server.rawItem(key), key);
    }
    await reaping.stop();
    await proxy.stop();
  });
}

test("an item whose ttl is no number, or in milliseconds, is there", async () => {
  await server.putRaw({ id: { S: "odd-ttl" }, result: { B: value }, ttl: { S: "soon" } });
  assert.is(await isThere("odd-ttl"), true);
  await server.putRaw({ id: { S: "ms-ttl" }, result: { B: value }, ttl: { N: `${nowMs}` } });
  assert.is((await server.client.get({ key: "ms-ttl" })).entry?.expireTime?.seconds, 253_402_300_799n);
});

test.run();
