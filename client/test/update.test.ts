import * as assert from "uvu/assert";
import { startFaultProxy } from "../../server/src/faults/index.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { createClient, type DynakvClient, json } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("update and deletePrefix");
let server: TestServer;
let client: DynakvClient;

test.before(async () => {
  server = await startTestServer();
  client = createClient({ address: server.url, defaultTimeoutMs: 60_000 });
});

test.after(async () => {
  client.close();
  await server.stop();
});

test("updates at the same time lose nothing, and keep the expiry", async () => {
  const lists = client.keyspace("list:", json<number[]>());
  const { expireTime } = await lists.set("a", [], { expiry: { seconds: 600 } });
  const add = (n: number) => lists.update("a", (list = []) => [...list, n], { maxTries: 50 });
  await Promise.all([1, 2, 3, 4, 5].map(add));
  const entry = await lists.get("a", { consistency: "strong" });
  assert.equal([...(entry?.value ?? [])].sort(), [1, 2, 3, 4, 5]);
  assert.equal(entry?.expireTime, expireTime);
});

test("an update creates what is missing, leaves what it does not change, and tells what it cannot read", async () => {
  const lists = client.keyspace("list:", json<number[]>());
  assert.equal((await lists.update("new", (list) => list ?? [7]))?.value, [7]);
  assert.is(await lists.update("none", () => undefined), undefined);
  assert.is(await lists.has("none"), false);
  await client.incr("list:counter");
  const error = await errorOf(lists.update("counter", () => [1]));
  assert.equal([error.reason, error.outcome], ["WRONG_KIND", "NOT_APPLIED"]);
  await client.set("list:broken", Buffer.from("no json"));
  assert.is((await errorOf(lists.update("broken", () => [1]))).reason, "UNDECODABLE");
});

test("an update that others always overtake ends with what the last write was told", async () => {
  const overtaken = client.update(
    "hot",
    async () => {
      await client.set("hot", Buffer.from("theirs"));
      return Buffer.from("ours");
    },
    { maxTries: 2 },
  );
  const error = await errorOf(overtaken);
  assert.equal([error.reason, error.outcome], ["ETAG_MISMATCH", "NOT_APPLIED"]);
  const thrown = await client
    .update("hot", () => Promise.reject(new RangeError("mine")))
    .catch((cause: unknown) => cause);
  assert.instance(thrown, RangeError);
});

test("deletePrefix removes what it says, can stop and go on, and never the whole table", async () => {
  const keys = Array.from({ length: 20 }, (_, n) => ({ key: `old:${n}`, counter: BigInt(n) }));
  await client.mset([...keys, { key: "older", counter: 1n }], { idempotent: true });
  const first = await client.deletePrefix("old:", { maxKeys: 5 });
  assert.ok(first.deleted >= 5);
  const rest = await client.counters("old:").deletePrefix("", { cursor: first.cursor });
  assert.equal([first.deleted + rest.deleted, rest.cursor], [20, undefined]);
  assert.equal([await client.has("old:3"), await client.has("older")], [false, true]);
  for (const wrong of [
    () => client.deletePrefix(""),
    () => client.keyspace("", json()).deletePrefix(""),
    () => client.deletePrefix(5 as never),
    () => client.deletePrefix("x", { maxKeys: 0 }),
    () => client.deletePrefix("x", { limit: 5 } as never),
    () => client.update("x", 5 as never),
    () => client.update("x", () => undefined, { tries: 5 } as never),
    () => client.update(5 as never, () => undefined),
  ]) {
    assert.instance(await wrong().catch((cause: unknown) => cause), TypeError);
  }
});

test("a deletePrefix in which one key fails removes the others, tells how many, and goes on with what is left", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  const denied = createClient({ address: url, defaultTimeoutMs: 60_000 });
  try {
    const keys = Array.from({ length: 30 }, (_, n) => ({ key: `part:${n}`, value: Buffer.from("1") }));
    await client.mset(keys, { idempotent: true });
    let isAllowed = false;
    proxy.decide = ({ operation, body }) => {
      if (operation !== "DeleteItem" || isAllowed) {
        return "forward";
      }
      if (Object(body.Key).id?.S === "part:7") {
        return { kind: "answer", status: 400, body: { __type: "AccessDeniedException", message: "not this key" } };
      }
      // The others are in flight still when that one has failed.
      return { kind: "delay", afterMs: 50 };
    };
    const told: unknown[] = [];
    const error = await errorOf(denied.deletePrefix("part:", { onProgress: (progress) => told.push(progress) }));
    assert.equal([error.reason, error.outcome], ["BACKEND_DENIED", "NOT_APPLIED"]);
    assert.equal(told, [{ deleted: 29, cursor: undefined }]);
    isAllowed = true;
    assert.equal(await denied.deletePrefix("part:"), { deleted: 1, cursor: undefined });
  } finally {
    denied.close();
    await proxy.stop();
  }
});

test.run();
