import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchWriteItemCommand, DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService, ResultOrder } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "../../support/engine.js";
import { type SpawnedServer, spawnServer } from "../../support/spawn-server.js";
import { suite } from "../../support/suite.js";
import type { KeyValueClient } from "../../support/test-server.js";

const test = suite("memory of MGet");
const table = uniqueTableName();
let engine: TestEngine;
let server: SpawnedServer;
let client: KeyValueClient;

const asked = 100_000;
/** How many keys there are, and of how many bytes each value is. */
const stored = asked / 5;
const valueBytes = 1024;
const storedLarge = 400;
const largeBytes = 390_000;

test.before(async () => {
  engine = await startTestEngine();
  await fillTable();
});

// A new one for each test: what one has taken from the system, the next would take for free.
test.before.each(async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = engine;
  server = await spawnServer(["--endpoint", endpoint, "--region", region, "--table", table], {
    DYNAKV_ACCESS_KEY_ID: accessKeyId,
    DYNAKV_SECRET_ACCESS_KEY: secretAccessKey,
  });
  client = createClient(KeyValueService, createGrpcTransport({ baseUrl: server.url }));
  // What it needs to be warm is no growth.
  await client.get({ key: "key-1" });
});

test.after.each(async () => {
  server.process.kill("SIGTERM");
  await server.exit;
});

test.after(async () => {
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await engine.stop();
});

async function fillTable(): Promise<void> {
  await createTable(engine, table);
  await put("large", storedLarge, largeBytes);
  await put("key", stored, valueBytes);
}

async function put(prefix: string, count: number, bytes: number): Promise<void> {
  const value = Buffer.alloc(bytes, 7);
  const starts = Array.from({ length: count / 25 }, (_, n) => n * 25);
  const writer = async () => {
    for (let start = starts.pop(); start !== undefined; start = starts.pop()) {
      const keys = Array.from({ length: 25 }, (_, n) => `${prefix}-${(start ?? 0) + n}`);
      const writes = keys.map((key) => ({ PutRequest: { Item: { id: { S: key }, result: { B: value } } } }));
      await engine.client.send(new BatchWriteItemCommand({ RequestItems: { [table]: writes } }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
}

function residentMegabytes(): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", `${server.process.pid}`]).toString()) / 1024;
}

/** Reads all of it and returns the highest memory of the server, above where it stood. */
async function peakOf(keys: readonly string[], order: ResultOrder, pauseMs: number): Promise<number> {
  const before = residentMegabytes();
  let peak = before;
  let sampledAt = 0;
  const seen = new Uint8Array(keys.length);
  for await (const { results } of client.mGet({ keys: [...keys], order })) {
    for (const { index, key, result } of results) {
      seen[index] = (seen[index] ?? 0) + 1;
      assert.is(result.case, isStored(key) ? "entry" : "missing");
    }
    if (Date.now() - sampledAt > 250) {
      peak = Math.max(peak, residentMegabytes());
      sampledAt = Date.now();
    }
    if (pauseMs > 0) {
      await sleep(pauseMs);
    }
  }
  assert.ok(
    seen.every((times) => times === 1),
    "each position is answered exactly once",
  );
  return peak - before;
}

function isStored(key: string): boolean {
  const [prefix, n] = key.split("-");
  return prefix === "large" || (prefix === "key" && Number(n) < stored);
}

test(`${asked} keys take less than 150 MB, with a fast reader and with a slow one`, async () => {
  // A third is missing, and each key that is there is asked for three times or four.
  const keys = Array.from({ length: asked }, (_, n) => `key-${(n * 7919) % (stored * 1.5)}`);
  for (const pauseMs of [0, 5]) {
    const growth = await peakOf(keys, ResultOrder.ARRIVAL, pauseMs);
    assert.ok(growth < 150, `grew by ${growth.toFixed(0)} MB`);
  }
});

test("large values that come after missing keys take no more", async () => {
  const missing = Array.from({ length: 1500 }, (_, n) => `none-${n}`);
  const keys = [...missing, ...Array.from({ length: storedLarge }, (_, n) => `large-${n}`)];
  for (const order of [ResultOrder.ARRIVAL, ResultOrder.REQUEST]) {
    const growth = await peakOf(keys, order, 0);
    assert.ok(growth < 150, `grew by ${growth.toFixed(0)} MB`);
  }
});

test.run();
