import * as assert from "uvu/assert";
import { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";

// The numbers are those of the list of the seed's behaviour: celery/backends/dynamodb.py.
const test = suite("Celery's layout");
let server: TestServer;
const nowMs = 1_763_881_635_123;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.after(() => server.stop());

/** An item as Celery's set writes it. */
function celeryItem(id: string, result: string, more: Record<string, { N: string }> = {}) {
  return { id: { S: id }, result: { B: Buffer.from(result) }, timestamp: { N: "1763881600.1234567" }, ...more };
}

test("21: a result that Celery wrote is read, with its write time and an etag", async () => {
  const id = "b'celery-task-meta-0a1b'";
  const result = '{"status": "SUCCESS", "result": 3, "traceback": null, "children": [], "task_id": "0a1b"}';
  await server.putRaw(celeryItem(id, result));
  const { entry } = await server.client.get({ key: id });
  assert.is(Buffer.from(entry?.data.value as Uint8Array).toString(), result);
  assert.equal([entry?.writeTime?.seconds, entry?.writeTime?.nanos], [1763881600n, 123456700]);
  assert.is(entry?.expireTime, undefined);
  assert.ok(entry?.etag);
  assert.is((await server.client.get({ key: id })).entry?.etag, entry?.etag);
});

test("21: a write time after the year 9999, which no answer can tell, is none", async () => {
  const [last, later] = ["253402300799.5", "253402300800"];
  for (const timestamp of [last, later, "2534023007990"]) {
    await server.putRaw({ ...celeryItem(timestamp, "{}"), timestamp: { N: timestamp } });
    const response = await fetch(`${server.url}/dynakv.v1.KeyValueService/Get`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: timestamp }),
    });
    const { entry } = (await response.json()) as { entry: { writeTime?: string } };
    assert.is(entry.writeTime, timestamp === last ? "9999-12-31T23:59:59.500Z" : undefined, timestamp);
  }
});

test("21: a result that Celery let expire is gone, though it lies in the table still", async () => {
  await server.putRaw(celeryItem("expired", "{}", { ttl: { N: "1763881635" } }));
  await server.putRaw(celeryItem("expiring", "{}", { ttl: { N: "1763881636" } }));
  assert.is((await server.client.get({ key: "expired" })).entry, undefined);
  assert.is((await server.client.get({ key: "expiring" })).entry?.expireTime?.seconds, 1763881636n);
});

test("22: a chord's counter is read as a counter", async () => {
  await server.putRaw({ id: { S: "b'chord-unlock-1'" }, chord_count: { N: "0" }, timestamp: { N: "1763881600.5" } });
  const { entry } = await server.client.get({ key: "b'chord-unlock-1'" });
  assert.equal(entry?.data, { case: "counter", value: 0n });
});

test("23: Set writes id, result and timestamp as Celery does, and etag beside them", async () => {
  const { etag } = await server.client.set({ key: "plain", value: Buffer.from("x") });
  assert.equal(await server.rawItem("plain"), {
    id: { S: "plain" },
    result: { B: new Uint8Array(Buffer.from("x")) },
    timestamp: { N: "1763881635.123" },
    etag: { S: etag },
  });
});

test("23: with a default expiry Set writes ttl as well", async () => {
  const { client } = await server.replica({ ttlSeconds: 600 });
  await client.set({ key: "with-ttl", value: Buffer.from("x") });
  const item = await server.rawItem("with-ttl");
  assert.equal(item?.ttl, { N: "1763882236" });
  assert.equal(Object.keys(item ?? {}).sort(), ["etag", "id", "result", "timestamp", "ttl"]);
});

test("24: MGet answers what Celery wrote beside what dynakv wrote", async () => {
  await server.putRaw(celeryItem("theirs", "1"));
  await server.client.set({ key: "ours", value: Buffer.from("2") });
  const results = [];
  for await (const message of server.client.mGet({ keys: ["theirs", "ours", "nobody's"], order: 2 })) {
    results.push(...message.results);
  }
  assert.equal(
    results.map(({ result }) => result.case),
    ["entry", "entry", "missing"],
  );
});

test("25: Delete says whether there was something", async () => {
  await server.putRaw(celeryItem("deleted", "1"));
  assert.is((await server.client.delete({ key: "deleted" })).existed, true);
  assert.is((await server.client.delete({ key: "deleted" })).existed, false);
});

test("26, 27: Incr goes on from a counter that Celery started", async () => {
  await server.putRaw({ id: { S: "chord" }, chord_count: { N: "0" }, timestamp: { N: "1763881600.5" } });
  assert.is((await server.client.incr({ key: "chord" })).value, 1n);
  const item = await server.rawItem("chord");
  assert.equal(item?.chord_count, { N: "1" });
  assert.equal(Object.keys(item ?? {}).sort(), ["chord_count", "dynakv_requests", "etag", "id", "timestamp"]);
});

test("27: Incr creates what is missing, in Celery's attributes, and Celery's own increment goes on from there", async () => {
  await server.client.incr({ key: "ours-first" });
  const { UpdateItemCommand } = await import("@aws-sdk/client-dynamodb");
  const answer = await server.engine.client.send(
    new UpdateItemCommand({
      TableName: server.table,
      Key: { id: { S: "ours-first" } },
      UpdateExpression: "set chord_count = chord_count + :num",
      ExpressionAttributeValues: { ":num": { N: "1" } },
      ReturnValues: "UPDATED_NEW",
    }),
  );
  assert.equal(answer.Attributes?.chord_count, { N: "2" });
  assert.is((await server.client.incr({ key: "ours-first" })).value, 3n);
});

test("a table of another shape is served by naming its attributes", async () => {
  const other = await startTestServer({
    keyAttribute: "pk",
    valueAttribute: "data",
    counterAttribute: "n",
    writeTimeAttribute: "written",
    expiryAttribute: "expires_at",
    etagAttribute: "version",
    requestsAttribute: "requests",
    exactExpiryAttribute: "expires_at_ms",
    clock: () => nowMs,
  });
  try {
    const expiry = { policy: { case: "after", value: { seconds: 5n, nanos: 1_000_000 } } } as const;
    await other.client.set({ key: "k", value: Buffer.from("x"), expiry });
    await other.client.incr({ key: "c" });
    const attributes = async (key: string) => Object.keys((await other.rawItem(key)) ?? {}).sort();
    assert.equal(await attributes("k"), ["data", "expires_at", "expires_at_ms", "pk", "version", "written"]);
    assert.equal(await attributes("c"), ["n", "pk", "requests", "version", "written"]);
    assert.is((await other.client.get({ key: "k" })).entry?.data.case, "value");
    // Nothing but a key and a value, as such a table may have it.
    await other.putRaw({ pk: { S: "bare" }, data: { B: Buffer.from("y") } });
    const { entry } = await other.client.get({ key: "bare", consistency: Consistency.STRONG });
    const condition = { test: { case: "ifEtag", value: entry?.etag ?? "" } } as const;
    assert.is((await other.client.delete({ key: "bare", condition })).existed, true);
  } finally {
    await other.stop();
  }
});

test.run();
