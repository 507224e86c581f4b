import { randomBytes } from "node:crypto";
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { isFullRun } from "../../support/full-run.js";
import { incrementStorm, loseFirstAnswers } from "../../support/increment-storm.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("increments that count once");
let nowMs = 1_800_000_000_000;
let server: TestServer;
/** Another replica on the same table. */
let other: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  ({ client: other } = await server.replica());
});

test.after(() => server.stop());

const windowMs = 600_000;
const anyValue = new Uint8Array([7]);

function createWriter(): string {
  const hex = randomBytes(8).toString("hex");
  return `8${hex.slice(1, 4)}-${hex.slice(4)}0000`.slice(0, 17);
}

/** An id of a writer at a time, as a program without our client would make it. */
function idAt(ms: number, writer = createWriter(), middle = "7000"): string {
  const hex = Math.floor(ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${middle}-${writer}`;
}

/** How much a counter's own item remembers. A name has its bytes, a number some four here, and each entry one more. */
async function memoryAt(key: string): Promise<{ entries: number; bytes: number }> {
  const names = Object.keys((await server.rawItem(key))?.dynakv_requests?.M ?? {});
  return { entries: names.length, bytes: names.reduce((sum, name) => sum + name.length + 5, 0) };
}

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: 2 });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

test("a repeated request adds nothing and returns the original answer, through any replica", async () => {
  const key = "repeated";
  const requestId = idAt(nowMs);
  const first = await server.client.incr({ key, delta: 5n, requestId });
  assert.equal([first.value, first.replayed], [5n, false]);
  for (let n = 0; n < 100; n++) {
    await server.client.incr({ key });
  }
  for (const client of [server.client, other]) {
    const again = await client.incr({ key, delta: 5n, requestId });
    assert.equal([again.value, again.etag, again.replayed], [5n, first.etag, true]);
  }
  assert.is(await countAt(key), 105n);
});

test("a request that is sent many times at once is applied once", async () => {
  const key = "at-once";
  const requestId = idAt(nowMs);
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? server.client : other).incr({ key, requestId })),
  );
  assert.equal(new Set(answers.map(({ value }) => value)), new Set([1n]));
  assert.is(answers.filter(({ replayed }) => !replayed).length, 1);
  assert.is(await countAt(key), 1n);
});

test("what a replay returns does not depend on what the counter has become", async () => {
  const key = "changed";
  const requestId = idAt(nowMs);
  const incr = () => server.client.incr({ key, requestId, max: 1n });
  await incr();
  await server.client.incr({ key, delta: 100n });
  assert.is((await incr()).value, 1n, "past the bound");
  const expiring = { policy: { case: "after", value: { seconds: 5n } } } as const;
  await server.client.incr({ key, delta: 0n, expiry: expiring });
  nowMs += 10_000;
  const expired = await incr();
  assert.equal([expired.value, expired.expireTime], [1n, undefined], "expired");
  assert.is(await countAt(key), undefined);
  await server.client.set({ key, value: anyValue });
  assert.is((await incr()).value, 1n, "a value in its place");
  await server.client.delete({ key });
  assert.is((await incr()).value, 1n, "deleted");
  assert.equal((await server.client.get({ key })).entry, undefined);
  assert.is((await server.client.incr({ key })).value, 1n);
  assert.is((await incr()).value, 1n, "started anew");
  assert.is(await countAt(key), 1n);
});

test("a deleted counter leaves nothing for anybody to see, and nothing at all in the end", async () => {
  const key = "deleted";
  const requestId = idAt(nowMs);
  const { etag } = await server.client.incr({ key, requestId });
  assert.is((await server.client.delete({ key, condition: { test: { case: "ifEtag", value: etag } } })).existed, true);
  const absent = { test: { case: "ifAbsent", value: {} } } as const;
  const present = { test: { case: "ifPresent", value: {} } } as const;
  const isThere = async () => {
    const { entry } = await server.client.get({ key, consistency: 2 });
    for await (const { results } of server.client.mGet({ keys: [key], consistency: 2 })) {
      assert.is(results[0]?.result.case, entry === undefined ? "missing" : "entry");
    }
    return entry !== undefined;
  };
  assert.is(await isThere(), false);
  assert.is((await server.client.delete({ key })).existed, false);
  assert.is((await failureOf(server.client.delete({ key, condition: present }))).reason, "NOT_PRESENT");
  assert.is((await failureOf(server.client.set({ key, value: anyValue, condition: present }))).reason, "NOT_PRESENT");
  assert.is((await server.client.touch({ key, expiry: { policy: { case: "never", value: {} } } })).existed, false);
  const keep = { policy: { case: "keep", value: {} } } as const;
  assert.is((await server.client.set({ key, value: anyValue, expiry: keep })).expireTime, undefined);
  await server.client.delete({ key });
  await server.client.set({ key, value: anyValue, condition: absent });
  assert.is((await failureOf(server.client.set({ key, value: anyValue, condition: absent }))).reason, "ALREADY_EXISTS");
  assert.is((await server.client.incr({ key: "x", requestId })).value, 1n, "of another key");

  await server.client.delete({ key });
  assert.equal(Object.keys((await server.rawItem(key)) ?? {}).sort(), ["dynakv_requests", "id", "ttl"]);
  nowMs += 2 * windowMs + 1;
  await server.client.delete({ key });
  assert.is(await server.rawItem(key), undefined);
});

test("a value in place of a counter loses what it remembers with the first write after two windows", async () => {
  const key = "was-counter";
  await server.client.incr({ key });
  await server.client.set({ key, value: anyValue });
  assert.ok((await server.rawItem(key))?.dynakv_requests);
  const second = await server.client.set({ key, value: anyValue });
  assert.is((await server.client.get({ key, consistency: 2 })).entry?.etag, second.etag);
  nowMs += 2 * windowMs + 1;
  await server.client.set({ key, value: anyValue });
  assert.equal(Object.keys((await server.rawItem(key)) ?? {}).sort(), ["etag", "id", "result", "timestamp"]);
});

test("an id from before the window is answered while it is known, and refused when it is not", async () => {
  const key = "old";
  const requestId = idAt(nowMs);
  await server.client.incr({ key, requestId });
  nowMs += windowMs + 1;
  assert.is((await server.client.incr({ key, requestId })).replayed, true);
  for (const unknown of ["old", "missing"]) {
    const failure = await failureOf(server.client.incr({ key: unknown, requestId: idAt(nowMs - windowMs - 1) }));
    assert.equal(
      [failure.code, failure.reason, failure.outcome, failure.retryable, failure.field],
      ["FailedPrecondition", "REQUEST_TOO_OLD", "UNKNOWN", false, "request_id"],
    );
  }
  assert.is(await countAt(key), 1n);
  assert.is(await server.rawItem("missing"), undefined);
});

test("ids that are alike in their second half are remembered each for itself", async () => {
  const key = "in-turn";
  const writer = createWriter();
  const ids = Array.from({ length: 50 }, (_, n) => idAt(nowMs + n, writer));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  for (const [n, requestId] of ids.entries()) {
    assert.is((await other.incr({ key, requestId })).value, BigInt(n + 1));
  }
  assert.is(await countAt(key), 50n);
});

test("what is no UUIDv7, or comes from the future, is a bad request", async () => {
  const bad = ["1", "018f2f6e-2b3c-4abc-9def-0123456789ab", `${idAt(nowMs)}0`, idAt(nowMs + 61_000)];
  for (const requestId of [...bad, idAt(nowMs).replaceAll("-", ""), `{${idAt(nowMs)}}`]) {
    const failure = await failureOf(server.client.incr({ key: "bad", requestId }));
    assert.equal([failure.code, failure.field, failure.outcome], ["InvalidArgument", "request_id", "NOT_APPLIED"]);
  }
  assert.is(await server.rawItem("bad"), undefined);
  assert.is((await server.client.incr({ key: "good", requestId: idAt(nowMs + 59_000).toUpperCase() })).value, 1n);
});

test("any number of ids is remembered, and the item stays small", async () => {
  const key = "many";
  const ids: string[] = [];
  for (let n = 1; n <= 150; n++) {
    const requestId = idAt(nowMs);
    ids.push(requestId);
    assert.is((await server.client.incr({ key, requestId })).value, BigInt(n));
    nowMs += 137;
    const { entries, bytes } = await memoryAt(key);
    // Two more than 32 are worth a trim. One that meets an engine which is too busy is left to the next increment.
    assert.ok(entries <= 32 + 2 + 6 && bytes <= 1200, `${entries} entries, ${bytes} bytes`);
  }
  nowMs += windowMs - 150 * 137;
  for (const client of [server.client, other]) {
    for (const [n, requestId] of ids.entries()) {
      const again = await client.incr({ key, requestId });
      assert.equal([again.value, again.replayed], [BigInt(n + 1), true]);
    }
  }
  assert.is(await countAt(key), 150n);
});

test("a caller whose clock is behind is counted, once, and so is one that comes late", async () => {
  const key = "behind";
  for (let n = 0; n < 80; n++) {
    await server.client.incr({ key, requestId: idAt(nowMs + n) });
  }
  const late = Array.from({ length: 80 }, (_, n) => idAt(nowMs - 90_000 + (n % 7)));
  const answers = await Promise.all(late.map((requestId) => server.client.incr({ key, requestId })));
  const again = await Promise.all(late.map((requestId) => other.incr({ key, requestId })));
  assert.equal(
    again.map(({ value, etag }) => ({ value, etag })),
    answers.map(({ value, etag }) => ({ value, etag })),
  );
  assert.is(new Set(answers.map(({ value }) => value)).size, 80);
  assert.is(await countAt(key), 160n);
});

test("what was moved is answered after a Set, a Delete and a start anew", async () => {
  const key = "moved-and-deleted";
  const ids = Array.from({ length: 60 }, (_, n) => idAt(nowMs + n));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  const answersAlike = async (when: string) => {
    for (const [n, requestId] of ids.entries()) {
      assert.is((await other.incr({ key, requestId, max: 1n })).value, BigInt(n + 1), when);
    }
  };
  await answersAlike("past a bound");
  await server.client.set({ key, value: anyValue });
  await answersAlike("a value in its place");
  const failure = await failureOf(server.client.incr({ key, requestId: idAt(nowMs - 5) }));
  assert.equal([failure.reason, failure.outcome], ["WRONG_KIND", "NOT_APPLIED"]);
  await server.client.delete({ key });
  await answersAlike("deleted");
  assert.is(await countAt(key), undefined);
  const late = idAt(nowMs - 5);
  assert.is((await server.client.incr({ key, requestId: late })).value, 1n);
  await answersAlike("started anew");
  assert.is((await other.incr({ key, requestId: late })).value, 1n);
  assert.is(await countAt(key), 1n);
});

test("ids of one and the same millisecond are remembered as well", async () => {
  const key = "same-millisecond";
  const ids = Array.from({ length: 500 }, () => idAt(nowMs, createWriter(), "7abc"));
  const answers = await Promise.all(ids.map((requestId) => server.client.incr({ key, requestId })));
  const again = await Promise.all(ids.map((requestId) => other.incr({ key, requestId })));
  assert.equal(
    again.map(({ value }) => value),
    answers.map(({ value }) => value),
  );
  assert.is(await countAt(key), 500n);
});

test("what was dropped is refused also by a replica whose clock is an hour behind", async () => {
  const key = "dropped";
  const ids = Array.from({ length: 20 }, (_, n) => idAt(nowMs + n));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  const { client: behind } = await server.replica({ clock: () => nowMs - 3_600_000 });
  nowMs += 2 * windowMs + 1000;
  for (let n = 0; n < 32; n++) {
    await server.client.incr({ key, requestId: idAt(nowMs) });
  }
  assert.ok(Object.keys((await server.rawItem(key))?.dynakv_requests?.M ?? {}).includes("lost"));
  nowMs += 3_600_000 - 2 * windowMs;
  for (const requestId of ids) {
    assert.is((await failureOf(behind.incr({ key, requestId }))).reason, "REQUEST_TOO_OLD");
  }
  assert.is(await countAt(key), 52n);
});

test("slots that nobody can ask for any more are removed as others come", async () => {
  const key = "small";
  for (let n = 0; n < 60; n++) {
    await server.client.incr({ key, requestId: idAt(nowMs) });
    nowMs += windowMs / 8;
  }
  const { entries } = await memoryAt(key);
  assert.ok(entries <= 35, `${entries} entries`);
  assert.is(await countAt(key), 60n);
});

test("Celery increments the counter between ours, and its increments are not lost", async () => {
  const key = "shared";
  await server.putRaw({ id: { S: key }, chord_count: { N: "10" }, timestamp: { N: "1800000000.5" } });
  const requestId = idAt(nowMs);
  assert.is((await server.client.incr({ key, requestId })).value, 11n);
  const celery = new UpdateItemCommand({
    TableName: server.table,
    Key: { id: { S: key } },
    UpdateExpression: "set chord_count = chord_count + :num",
    ExpressionAttributeValues: { ":num": { N: "1" } },
    ReturnValues: "UPDATED_NEW",
  });
  assert.equal((await server.engine.client.send(celery)).Attributes, { chord_count: { N: "12" } });
  assert.is((await other.incr({ key, requestId })).value, 11n);
  assert.is((await other.incr({ key })).value, 13n);
});

test("an attribute of somebody else's where ours would be is left alone", async () => {
  await server.putRaw({ id: { S: "taken" }, chord_count: { N: "1" }, dynakv_requests: { S: "mine" } });
  const failure = await failureOf(server.client.incr({ key: "taken", requestId: idAt(nowMs) }));
  assert.equal([failure.reason, failure.outcome], ["UNREADABLE_ITEM", "NOT_APPLIED"]);
  assert.match(failure.message, "requestsAttribute");
  const left = await server.rawItem("taken");
  assert.equal([left?.dynakv_requests, left?.chord_count], [{ S: "mine" }, { N: "1" }]);
});

const writers = isFullRun ? 50 : 20;
const each = isFullRun ? 200 : 15;

test(`with every first answer lost, ${writers * each} increments by ${writers} clients over three replicas count exactly`, async () => {
  const key = "every-first-lost";
  const proxies = await Promise.all(
    Array.from({ length: 3 }, () => startFaultProxy({ target: server.engine.endpoint })),
  );
  proxies.forEach(loseFirstAnswers);
  const replicas = await Promise.all(proxies.map(({ endpoint }) => server.replica({ endpoint })));
  const clientFor = (writer: number, attempt: number) => replicas[(writer + attempt) % 3]?.client ?? other;
  const answers = await incrementStorm({ key, writers, each, clientFor, clock: () => nowMs });
  assert.is(await countAt(key), BigInt(writers * each));
  assert.is(new Set(answers).size, writers * each);
  await Promise.all(replicas.map((replica) => replica.server.stop()));
  await Promise.all(proxies.map((proxy) => proxy.stop()));
});

test.run();
