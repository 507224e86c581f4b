import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../src/embedded/embedded-engine.js";
import { countResources, type Resources, waitForNoLeaks } from "../support/leaks.js";
import { suite } from "../support/suite.js";

interface Context {
  /** A folder for the test alone. */
  folder: string;
  before: Resources;
  start(data: string): Promise<{ engine: EmbeddedEngine; client: DynamoDBClient }>;
}

const table = "celery";
const tests = suite("embedded engine");
let context: Context;
const test = (title: string, run: (context: Context) => Promise<void>) => tests(title, () => run(context));

tests.before.each(async () => {
  const started: { engine: EmbeddedEngine; client: DynamoDBClient }[] = [];
  const before = countResources();
  const folder = await mkdtemp(join(tmpdir(), "dynakv-engine-"));
  const start = async (data: string) => {
    const engine = await startEmbeddedEngine({ data });
    const { endpoint, region, credentials } = engine;
    const client = new DynamoDBClient({ endpoint, region, credentials, maxAttempts: 1 });
    started.push({ engine, client });
    return { engine, client };
  };
  context = { before, folder, start };
  stopAll = async () => {
    for (const { engine, client } of started) {
      client.destroy();
      await engine.stop();
    }
  };
});

let stopAll: () => Promise<void>;

tests.after.each(async () => {
  const { folder, before } = context;
  await stopAll();
  await rm(folder, { recursive: true });
  await waitForNoLeaks(before);
});

test("what is in a folder survives a stop and a start", async ({ folder, start }) => {
  const data = join(folder, "is", "created");
  const first = await start(data);
  await createTable(first.client);
  await put(first.client, "a", "1");
  await first.engine.stop();

  const second = await start(data);
  assert.is(await get(second.client, "a"), "1");
});

test("a table is active after a start, though the engine was stopped as soon as the table was made", async (context) => {
  const first = await context.start(context.folder);
  await beginTable(first.client);
  await first.engine.stop();

  const { client } = await context.start(context.folder);
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  assert.is(Table?.TableStatus, "ACTIVE");
});

test("a table that was deleted stays deleted, though the engine was stopped at once", async ({ folder, start }) => {
  const first = await start(folder);
  await createTable(first.client);
  await put(first.client, "a", "1");
  await first.client.send(new DeleteTableCommand({ TableName: table }));
  await first.engine.stop();

  const { client } = await start(folder);
  assert.equal((await client.send(new ListTablesCommand({}))).TableNames, []);
});

test("memory keeps nothing", async ({ start }) => {
  const first = await start("memory");
  await createTable(first.client);
  await first.engine.stop();

  const { client } = await start("memory");
  assert.equal((await client.send(new ListTablesCommand({}))).TableNames, []);
});

test("a folder that another engine uses is refused, saying what to do", async ({ folder, start }) => {
  const { client } = await start(folder);
  const error = await rejection(startEmbeddedEngine({ data: folder }));
  assert.is(
    error.message,
    `data folder '${folder}' is in use by another dynakv: stop that one, or set data to another folder, or to 'memory'`,
  );
  await createTable(client);
});

test("a folder that another process uses is refused, and can be used once that process was killed", async (context) => {
  const { folder, start } = context;
  const other = await startInProcess(folder);
  try {
    assert.match((await rejection(startEmbeddedEngine({ data: folder }))).message, /is in use by another dynakv/);
  } finally {
    other.kill("SIGKILL");
    await once(other, "exit");
  }
  await createTable((await start(folder)).client);
});

test("a file in place of the folder, or above it, is refused, saying what to do", async ({ folder }) => {
  const file = join(folder, "file");
  await writeFile(file, "");
  for (const data of [file, join(file, "below")]) {
    assert.is(
      (await rejection(startEmbeddedEngine({ data }))).message,
      `data folder '${data}' is a file, or lies below one: set data to a folder, or to 'memory'`,
    );
  }
});

test("a folder that cannot be written is refused, saying what to do", async ({ folder }) => {
  if (process.getuid?.() === 0) {
    return; // The superuser may write everywhere.
  }
  const data = join(folder, "sealed");
  await mkdir(data, { mode: 0o500 });
  assert.match((await rejection(startEmbeddedEngine({ data }))).message, /may not be read and written by this user/);
});

test("a damaged database is refused, saying what to do", async ({ folder }) => {
  await writeFile(join(folder, "CURRENT"), "nonsense");
  assert.match((await rejection(startEmbeddedEngine({ data: folder }))).message, /set data to another folder/);
});

test("stopping lets go of the port and of open connections", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  const idle = await open(engine);
  const ended = once(idle, "close");
  await Promise.all([engine.stop(), engine.stop()]);
  await ended;
  await refused(engine);
});

test("stopping finishes the writes that have begun", async ({ folder, start }) => {
  const { engine, client } = await start(folder);
  await createTable(client);
  const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
  const writes = keys.map((key) => put(client, key, "1").then(() => key));
  const settled = Promise.allSettled(writes);
  await writes[0];
  await engine.stop();
  const written = (await settled).flatMap((write) => (write.status === "fulfilled" ? write.value : []));

  const again = await start(folder);
  for (const key of written) {
    assert.is(await get(again.client, key), "1");
  }
});

test("a client that resets its connection within a body harms nobody else", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  for (let i = 0; i < 20; i++) {
    const socket = await open(engine);
    socket.write(`${head(engine, "PutItem")}content-length: 1000\r\n\r\n{"TableName":`);
    await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    await once(socket, "close");
  }
  await put(client, "a", "1");
  assert.is(await get(client, "a"), "1");
});

test("malformed requests are answered with an error, and harm nobody else", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  const refusedBodies = {
    GetItem: ["", "null", "[]", "{", '{"TableName":null}', `{"TableName":"${table}","Key":{"id":null}}`],
    PutItem: [
      `{"TableName":"${table}","Item":null}`,
      `{"TableName":"${table}","Item":{"id":null}}`,
      `{"TableName":"${table}","Item":{"id":{"S":"a"},"x":{"L":[null]}}}`,
      `{"TableName":"${table}","Item":{"id":{"S":"a"},"x":{"SS":[null]}}}`,
      `{"TableName":"${table}","Item":{"id":{"S":"a"},"x":{"M":{"y":null}}}}`,
    ],
    DeleteItem: [`{"TableName":"${table}","Key":{"id":{"S":null}}}`],
    BatchGetItem: [
      `{"RequestItems":{"${table}":null}}`,
      `{"RequestItems":{"${table}":{"Keys":[null]}}}`,
      `{"RequestItems":{"${table}":{"Keys":[{"id":null}]}}}`,
    ],
    DoesNotExist: ["{}"],
  };
  for (const [operation, bodies] of Object.entries(refusedBodies)) {
    for (const body of bodies) {
      assert.is((await post(engine, operation, body)).status, 400, `${operation} ${body}`);
    }
  }
  await put(client, "a", "1");
});

test("an action that fails in a callback is an error of the engine, and leaves its key usable", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  await put(client, "a", "1");
  // dynalite takes it that operands which are attributes are there.
  for (const ConditionExpression of ["id BETWEEN :s AND absent", "begins_with(absent, lacking) OR id = :s"]) {
    const request = {
      TableName: table,
      Key: { id: { S: "a" } },
      UpdateExpression: "SET x = :v",
      ConditionExpression,
      ExpressionAttributeValues: { ":v": { N: "1" }, ":s": { S: "a" } },
    };
    const { status, type } = await post(engine, "UpdateItem", JSON.stringify(request));
    assert.is(status, 500);
    assert.match(type, /#InternalServerError$/);
  }
  const scan = { TableName: table, FilterExpression: "begins_with(absent, lacking)" };
  assert.is((await post(engine, "Scan", JSON.stringify(scan))).status, 500);
  await put(client, "a", "2");
  assert.is(await get(client, "a"), "2");
});

test("an expression that would keep the parser busy for ever is refused", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  const item = { TableName: table, Item: { id: { S: "a" } } };
  for (const ConditionExpression of ["(".repeat(12), `${"(".repeat(12)}id = id${")".repeat(12)}`]) {
    const { status, type } = await post(engine, "PutItem", JSON.stringify({ ...item, ConditionExpression }));
    assert.is(status, 400);
    assert.match(type, /#ValidationException$/);
  }
  await client.send(
    new PutItemCommand({
      ...item,
      ConditionExpression: "(attribute_exists(id) AND (NOT (attribute_exists(x)))) OR attribute_not_exists(id)",
    }),
  );
});

test("credentials other than the engine's own are refused", async ({ start }) => {
  const { engine, client } = await start("memory");
  await createTable(client);
  const stranger = new DynamoDBClient({
    endpoint: engine.endpoint,
    region: engine.region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  const error = await rejection(stranger.send(new ListTablesCommand({})));
  stranger.destroy();
  assert.is(error.name, "UnrecognizedClientException");
  const plain = await fetch(engine.endpoint, { method: "POST", body: "{}" });
  assert.is(plain.status, 400);
  await plain.text();
});

test("a scan in pages finds every item once", async ({ start }) => {
  const { client } = await start("memory");
  await createTable(client);
  const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`);
  await Promise.all(keys.map((key) => put(client, key, "1")));
  const found: (string | undefined)[] = [];
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: table, Limit: 7, ExclusiveStartKey: from }),
    );
    found.push(...(page.Items ?? []).map((item) => item.id?.S));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  assert.equal(found.sort(), keys.sort());
});

tests.run();

async function createTable(client: DynamoDBClient): Promise<void> {
  await beginTable(client);
  const describe = new DescribeTableCommand({ TableName: table });
  while ((await client.send(describe)).Table?.TableStatus !== "ACTIVE") {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Asks for the table. It becomes active a moment after the answer. */
async function beginTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    }),
  );
}

async function put(client: DynamoDBClient, id: string, value: string): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: { id: { S: id }, value: { N: value } } }));
}

async function get(client: DynamoDBClient, id: string): Promise<string | undefined> {
  return (await client.send(new GetItemCommand({ TableName: table, Key: { id: { S: id } } }))).Item?.value?.N;
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  assert.instance(error, Error);
  return error;
}

/** An engine in a process of its own, on the folder. */
async function startInProcess(folder: string): Promise<ChildProcess> {
  const module = new URL("../../src/embedded/embedded-engine.ts", import.meta.url).href;
  const script = `import { startEmbeddedEngine } from ${JSON.stringify(module)};
    await startEmbeddedEngine({ data: ${JSON.stringify(folder)} });
    process.stdout.write("ready");`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(([code]) => assert.unreachable(`the other process ended with ${code}`)),
  ]);
  return child;
}

async function open({ endpoint }: EmbeddedEngine) {
  const { port, hostname } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function refused({ endpoint }: EmbeddedEngine): Promise<void> {
  const { port, hostname } = new URL(endpoint);
  const [error] = await once(connect(Number(port), hostname).on("connect", assert.unreachable), "error").catch(
    (reason) => [reason],
  );
  assert.is(error.code, "ECONNREFUSED");
}

/** The headers of the engine's own client. */
function headers({ credentials }: EmbeddedEngine, operation: string): Record<string, string> {
  const scope = `${credentials.accessKeyId}/20260101/us-east-1/dynamodb/aws4_request`;
  return {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
  };
}

function head(engine: EmbeddedEngine, operation: string): string {
  const lines = Object.entries(headers(engine, operation)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}`;
}

async function post(
  engine: EmbeddedEngine,
  operation: string,
  body: string,
): Promise<{ status: number; type: string }> {
  const response = await fetch(engine.endpoint, { method: "POST", headers: headers(engine, operation), body });
  const { __type: type } = (await response.json()) as { __type: string };
  return { status: response.status, type };
}
