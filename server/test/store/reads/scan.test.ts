import { createHash } from "node:crypto";
import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import type { ScanRequest, ScanResponse } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type Fault, type FaultProxy, startFaultProxy, throttling } from "../../../src/faults/index.js";
import { uniqueTableName } from "../../support/engine.js";
import { failureOf } from "../../support/errors.js";
import { fillTable } from "../../support/fill-table.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { settled } from "../../support/wait-until.js";

const test = suite("scan");

/** More than two pages, of which one is five hundred items. */
const many = 1200;

let server: TestServer;
let proxy: FaultProxy;
/** Reaches the engine through the proxy. */
let client: KeyValueClient;
let url: string;
let nowMs = Date.now();

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client, url } = await server.replica({ endpoint: proxy.endpoint }));
  await fillTable(server, allKeys);
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const allKeys = Array.from({ length: many }, (_, n) => `many:${n}`).sort();

async function collect(request: Partial<Pick<ScanRequest, "prefix" | "cursor" | "consistency">>, from = client) {
  const messages: ScanResponse[] = [];
  for await (const message of from.scan(request)) {
    messages.push(message);
  }
  return { messages, results: messages.flatMap(({ results }) => results) };
}

test("every key comes once, over many pages, each message with a cursor", async () => {
  const { messages, results } = await collect({ prefix: "many:" });
  assert.equal(results.map(({ key }) => key).sort(), allKeys);
  assert.ok((proxy.requests.get("Scan") ?? 0) > 2);
  assert.ok(messages.every(({ cursor, results }) => cursor !== "" && results.length <= 200));
  assert.is(new Set(messages.map(({ cursor }) => cursor)).size, messages.length);
});

test("a scan goes through more pages than there is memory for", async () => {
  // Two pages have room at a time, and a third has not.
  const { client: small } = await server.replica({ memoryBytes: 3_000_000 });
  const { results } = await collect({ prefix: "many:" }, small);
  assert.is(results.length, many);
});

test("a scan goes on after any message, through any replica, and misses and repeats nothing", async () => {
  const { messages } = await collect({ prefix: "many:" });
  for (const place of [0, 3, messages.length - 2, messages.length - 1]) {
    const cursor = messages[place]?.cursor ?? "";
    const before = messages.slice(0, place + 1).flatMap(({ results }) => results.map(({ key }) => key));
    const { results } = await collect({ prefix: "many:", cursor }, server.client);
    assert.equal([...before, ...results.map(({ key }) => key)].sort(), allKeys);
  }
});

test("what a key holds comes as Get has it: values, empty ones, counters, odd keys", async () => {
  const keys = ["kinds:empty", "kinds:line\nbreak", "kinds:ключ 🔑", "kinds:counter", "kinds:expires"];
  await Promise.all(
    keys.map((key) =>
      key === "kinds:counter"
        ? server.client.incr({ key, delta: 9007199254740993n })
        : server.client.set({
            key,
            value: key === "kinds:empty" ? Buffer.alloc(0) : Buffer.from(key),
            ...(key === "kinds:expires"
              ? { expiry: { policy: { case: "after" as const, value: { seconds: 60n } } } }
              : {}),
          }),
    ),
  );
  const { results } = await collect({ prefix: "kinds:", consistency: Consistency.STRONG });
  assert.equal(results.map(({ key }) => key).sort(), [...keys].sort());
  for (const { key, result } of results) {
    assert.equal(result.value, (await server.client.get({ key })).entry, key);
  }
});

test("expired entries, and deleted counters that are only remembered, are left out", async () => {
  const expiry = { policy: { case: "after" as const, value: { seconds: 60n } } };
  await server.client.set({ key: "gone:1", value: Buffer.from("1"), expiry });
  await server.client.set({ key: "gone:2", value: Buffer.from("2") });
  await server.client.incr({ key: "gone:3" });
  await server.client.delete({ key: "gone:3" });
  nowMs += 61_000;
  const { results } = await collect({ prefix: "gone:" });
  assert.equal(
    results.map(({ key }) => key),
    ["gone:2"],
  );
  await server.client.delete({ key: "gone:2" });
  const { results: none } = await collect({ prefix: "gone:" });
  assert.equal(none, []);
});

test("an item that cannot be read is the error of its key, and the others come", async () => {
  await server.putRaw({ id: { S: "foreign:1" }, result: { S: "text" } });
  await server.client.set({ key: "foreign:2", value: Buffer.from("2") });
  const { results } = await collect({ prefix: "foreign:" });
  const cases = Object.fromEntries(results.map(({ key, result }) => [key, result]));
  assert.is(cases["foreign:2"]?.case, "entry");
  const { "foreign:1": refused } = cases;
  assert.is(refused?.case === "error" && refused.value.detail?.reason, ErrorReason.UNREADABLE_ITEM);
});

test("a table without such keys is a stream that ends", async () => {
  assert.equal(await collect({ prefix: "nothing:" }), { messages: [], results: [] });
  const { client: empty, stop } = await startTestServer();
  assert.equal(await collect({}, empty), { messages: [], results: [] });
  await stop();
});

test("a cursor that was cut, changed, or made for another prefix or table is refused", async () => {
  const { messages } = await collect({ prefix: "many:" });
  const cursor = messages[0]?.cursor ?? "";
  const refused = [
    { prefix: "many:", cursor: cursor.slice(0, -1) },
    { prefix: "many:", cursor: `${cursor}AAAA` },
    { prefix: "many:", cursor: "%" },
    { prefix: "many", cursor },
    { prefix: "", cursor },
  ];
  for (const request of refused) {
    const failure = await failureOf(client.scan(request));
    assert.is(failure.code, "InvalidArgument");
    assert.is(failure.reason, "INVALID_FIELD");
    assert.is(failure.field, "cursor");
  }
  const { client: other } = await server.replica({ table: `${server.table}-other` });
  assert.is((await failureOf(other.scan({ prefix: "many:", cursor }))).field, "cursor");
  assert.is(proxy.requests.get("Scan"), 3);
});

test("no cursor begins with a dash, and one that does, as earlier versions gave them, goes on", async () => {
  const checkOf = (key: string) => createHash("sha256").update(JSON.stringify([server.table, key, key]));
  const numbers = Array.from({ length: 10_000 }, (_, n) => n);
  const n = numbers.find((number) => checkOf(`dash:${number}`).digest("base64url").startsWith("-"));
  const key = `dash:${n}`;
  await fillTable(server, [key]);
  const old = Buffer.concat([checkOf(key).digest().subarray(0, 6), Buffer.from(key)]).toString("base64url");
  assert.match(old, /^-/);
  const cursor = old.replace("-", "_");
  const { messages } = await collect({ prefix: key });
  assert.equal(
    messages.map((message) => message.cursor),
    [cursor],
  );
  for (const from of [cursor, old]) {
    assert.equal((await collect({ prefix: key, cursor: from })).results, [], from);
  }
});

test("a prefix that no key can have, and an unknown consistency, are refused", async () => {
  assert.is((await failureOf(client.scan({ prefix: "x".repeat(2049) }))).field, "prefix");
  assert.is((await failureOf(client.scan({ consistency: 9 as 0 }))).field, "consistency");
});

test("large values come in messages of some megabyte, and a reader that pauses pauses the reads", async () => {
  const value = Buffer.alloc(300_000, 7);
  await Promise.all(Array.from({ length: 40 }, (_, n) => server.client.set({ key: `large:${n}`, value })));
  proxy.reset();
  const sizes: number[] = [];
  for await (const { results } of client.scan({ prefix: "large:" })) {
    if (sizes.length === 0) {
      const reads = await settled(() => proxy.requests.get("Scan") ?? 0);
      assert.ok(reads < 6, `${reads} reads while nobody reads on`);
    }
    sizes.push(results.length);
  }
  assert.is(
    sizes.reduce((sum, size) => sum + size),
    40,
  );
  assert.ok(sizes.every((size) => size <= 5));
  // All of it was more than that.
  assert.ok((proxy.requests.get("Scan") ?? 0) >= 10);
});

test("throttling is waited out; an outage is an error, never an end", async () => {
  let faults = 0;
  proxy.decide = ({ operation }) =>
    operation === "Scan" && faults++ < 3 ? throttling("TableReadProvisionedThroughputExceeded") : "forward";
  assert.is((await collect({ prefix: "many:" })).results.length, many);
  assert.ok(faults > 3);
  let pages = 0;
  proxy.decide = ({ operation }) => (operation === "Scan" && pages++ > 0 ? "refuse" : "forward");
  const failure = await failureOf(client.scan({ prefix: "many:" }));
  assert.is(failure.reason, "BACKEND_UNAVAILABLE");
  assert.is(failure.retryable, true);
  // An answer without items is none: taken for an empty page, it would end the stream.
  proxy.decide = ({ operation }) => (operation === "Scan" ? "empty-object" : "forward");
  assert.is((await failureOf(client.scan({ prefix: "many:" }))).reason, "BACKEND_UNAVAILABLE");
});

test("a reader that leaves ends the reads", async () => {
  // All pages but the first are held until the reader has left, however slow or fast the machine is.
  let letGo: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  proxy.decide = async ({ operation, body }): Promise<Fault> => {
    // Not by its number: a slow engine may be asked for the first page twice.
    if (operation === "Scan" && body.ExclusiveStartKey !== undefined) {
      await held;
    }
    return "forward";
  };
  const leave = new AbortController();
  // With a table of its own: what other tests have left in theirs may fill the first page of an engine, and leave no message to it.
  const table = uniqueTableName();
  const { client: leaving } = await server.replica({ endpoint: proxy.endpoint, table });
  await fillTable({ ...server, table }, allKeys);
  const failure = await failureOf(
    (async function* () {
      for await (const message of leaving.scan({ prefix: "many:" }, { signal: leave.signal })) {
        leave.abort();
        yield message;
      }
    })(),
  );
  assert.is(failure.code, "Canceled");
  const reads = () => proxy.requests.get("Scan") ?? 0;
  const atOnce = await settled(reads);
  letGo();
  assert.is((await settled(reads)) - atOnce, 0, "reads that were made after the reader had left");
  await server.engine.client.send(new DeleteTableCommand({ TableName: table }));
});

test("a deadline ends the reads, though the reader waits on", async () => {
  proxy.decide = ({ operation }) => (operation === "Scan" ? "hang" : "forward");
  // No client of a library makes this call: its own timer would end it.
  const response = await fetch(`${url}/dynakv.v1.KeyValueService/Scan`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": "50" },
    body: "{}",
  });
  assert.match(await response.text(), /"code":"deadline_exceeded".*"reason":"ERROR_REASON_DEADLINE_EXCEEDED"/);
});

for (const isStrong of [false, true]) {
  test(`a scan that is to be ${isStrong ? "strong" : "eventual"} asks DynamoDB for it with each page`, async () => {
    const asked = new Set<unknown>();
    const consistency = isStrong ? Consistency.STRONG : Consistency.EVENTUAL;
    proxy.decide = ({ operation, body }) => {
      if (operation === "Scan") {
        asked.add(body.ConsistentRead ?? false);
      }
      return "forward";
    };
    await collect({ prefix: "many:", consistency });
    assert.ok((proxy.requests.get("Scan") ?? 0) > 2);
    assert.equal([...asked], [isStrong]);
  });
}

test.run();
