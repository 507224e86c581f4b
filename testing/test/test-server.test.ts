import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createRequestId } from "@dynakv/client";
import * as assert from "uvu/assert";
import { countResources, type Resources, waitForNoLeaks } from "../../server/test/support/leaks.js";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { startTestServer } from "../src/start-test-server.js";
import type { TestServer } from "../src/test-server.js";
import { useTestServerWith } from "../src/use-test-server.js";
import { seen } from "./support/fault-rows.js";

const test = suite("test server");
let before: Resources;
let server: TestServer;

test.before(async () => {
  before = countResources();
  server = await startTestServer();
});

test.before.each(() => server.reset());

test.after(async () => {
  await server.close();
  await waitForNoLeaks(before);
});

const value = new Uint8Array([1, 2, 3]);

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of server.client.scanKeys()) {
    found.push(key);
  }
  return found.sort();
}

test("it prints nothing, and loads neither SDK nor logger nor metrics", async () => {
  const record = join(tmpdir(), `dynakv-loaded-${process.pid}`);
  const args = ["--import", "tsx", "--import", "./testing/test/support/record-loaded.mjs"];
  const program = "testing/test/support/start-and-close.ts";
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...args, program], {
      env: { ...process.env, DYNAKV_LOADED: record },
    });
    assert.is(stdout, "started\n");
    assert.is(stderr, "");
    const loaded = await readFile(record, "utf8");
    assert.match(loaded, /dynalite/);
    assert.not.match(loaded, /node_modules\/(@aws-sdk|@smithy|@opentelemetry|pino|prom-client|jose)\b/);
  } finally {
    await rm(record, { force: true });
  }
});

test("two at a time know nothing of each other", async () => {
  const other = await startTestServer();
  await other.client.set("a", value);
  assert.is(await server.client.get("a"), undefined);
  await other.close();
});

test("it ends with the block that it is declared in", async () => {
  const other = await startTestServer();
  await other.client.set("a", value);
  await other[Symbol.asyncDispose]();
  assert.is(await seen(other.client.get("a")), "CANCELED");
});

test("settings of the server are taken", async () => {
  const other = await startTestServer({ server: { ttlSeconds: 60, keyAttribute: "pk", table: "mine" } });
  const { expireTime } = await other.client.set("a", value);
  assert.is(expireTime?.getTime(), Math.ceil(other.clock.now().getTime() / 1000 + 60) * 1000);
  other.faults.failNext(1, { key: "a", of: "writes" });
  assert.is(await seen(other.client.set("a", value)), "BACKEND_UNAVAILABLE, UNKNOWN");
  assert.is(other.dynamodb.table, "mine");
  await other.close();
});

test("a reset leaves no entry, no fault and no change of the clock", async () => {
  await server.client.set("a", value);
  await server.client.incr("b");
  server.faults.unavailable();
  server.clock.set(0);
  await server.reset();
  assert.equal(await keys(), []);
  assert.ok(Math.abs(server.clock.now().getTime() - Date.now()) < 60_000);
  assert.is(await server.client.incr("b"), 1n);
});

test("a reset waits for writes that are in flight, which succeed and leave nothing", async () => {
  // On their way to DynamoDB: what is held there goes on after the reset has ended the fault.
  const operations = ["PutItem", "UpdateItem"];
  server.faults.proxy.setRates([{ fault: { kind: "delay", beforeMs: 100 }, rate: 1, operations }]);
  const writes = [server.client.set("a", value), server.client.set("b", value), server.client.incr("c")];
  await waitUntil("they are on their way", () => {
    const { requests } = server.faults.proxy;
    return (requests.get("PutItem") ?? 0) >= 2 && (requests.get("UpdateItem") ?? 0) >= 1;
  });
  await server.reset();
  assert.equal(await keys(), []);
  await Promise.all(writes);
  assert.equal(await keys(), []);
});

test("a read that is in flight outlives a reset", async () => {
  const many = Array.from({ length: 2000 }, (_, n) => `key-${n}`);
  const results = server.client.mget(many, { order: "request" });
  const reading = results[Symbol.asyncIterator]();
  await reading.next();
  await server.reset();
  let read = 1;
  for (let next = await reading.next(); !next.done; next = await reading.next()) {
    read++;
  }
  assert.is(read, many.length);
});

test("an entry lives until the clock has passed its expiry", async () => {
  await server.client.set("a", value, { expiry: { seconds: 60 } });
  server.clock.advance({ seconds: 59, milliseconds: 999 });
  assert.ok(await server.client.has("a"));
  server.clock.advance({ milliseconds: 1 });
  assert.not(await server.client.has("a"));
  assert.equal(await keys(), []);
});

test("the window of a rate limit opens anew as the clock moves on", async () => {
  const take = () => server.client.rateLimit("login", { limit: 2, windowMs: 60_000 });
  assert.equal([(await take()).allowed, (await take()).allowed, (await take()).allowed], [true, true, false]);
  server.clock.advance({ minutes: 1 });
  assert.is((await take()).allowed, true);
});

test("an increment can be repeated within its window, and is refused after it", async () => {
  const requestId = createRequestId(server.clock.now().getTime());
  assert.is(await server.client.incr("a", { requestId }), 1n);
  server.clock.advance({ minutes: 9 });
  assert.is(await server.client.incr("a", { requestId }), 1n);
  server.clock.advance({ minutes: 2 });
  assert.is(await seen(server.client.incr("b", { requestId })), "REQUEST_TOO_OLD, UNKNOWN");
  assert.is(await server.client.incr("a"), 2n, "the client's own ids follow the server's clock");
});

test("the clock takes dates, and refuses what is no time", () => {
  server.clock.set("2030-01-01T00:00:00Z");
  server.clock.advance({ days: 1, hours: 1 });
  assert.is(server.clock.now().toISOString(), "2030-01-02T01:00:00.000Z");
  assert.throws(() => server.clock.set("tomorrow"), RangeError);
  assert.throws(() => server.clock.advance({ seconds: -1 }), RangeError);
  assert.throws(() => server.clock.advance({ second: 1 } as object), TypeError);
  assert.is(server.clock.now().toISOString(), "2030-01-02T01:00:00.000Z");
});

test("a framework's hooks start it, clean it before each test, and close it", async () => {
  const hooks: Record<string, () => Promise<void>> = {};
  const hook = (name: string) => (run: () => Promise<void>) => {
    hooks[name] = run;
  };
  const used = useTestServerWith(
    { beforeAll: hook("beforeAll"), beforeEach: hook("beforeEach"), afterAll: hook("afterAll") },
    {},
  );
  assert.throws(() => used.client, /within a test or a hook/);
  await hooks.beforeAll?.();
  await used.client.set("a", value);
  await hooks.beforeEach?.();
  assert.is(await used.client.get("a"), undefined);
  await hooks.afterAll?.();
  assert.is(await seen(used.client.get("a")), "CANCELED");
});

test.run();
