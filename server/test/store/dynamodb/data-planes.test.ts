import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, request as sendRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type CreateTableCommandInput, DeleteTableCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SignatureV4 } from "@smithy/signature-v4";
import * as assert from "uvu/assert";
import {
  type Fault,
  type FaultProxy,
  internalServerError,
  startFaultProxy,
  throttling,
} from "../../../src/faults/index.js";
import { classifyError } from "../../../src/store/dynamodb/aws-errors.js";
import type { DataPlane } from "../../../src/store/dynamodb/data-plane.js";
import { createDynamoDBClient } from "../../../src/store/dynamodb/dynamodb-client.js";
import type { Item } from "../../../src/store/dynamodb/item.js";
import { createLeanDataPlane } from "../../../src/store/dynamodb/lean-data-plane.js";
import { createSdkDataPlane } from "../../../src/store/dynamodb/sdk-data-plane.js";
import { createSdkTablePlane } from "../../../src/store/dynamodb/sdk-table-plane.js";
import { sdkSource } from "../../../src/store/dynamodb/signing-target.js";
import type { TablePlane } from "../../../src/store/dynamodb/table-plane.js";
import { timeouts } from "../../../src/store/dynamodb/timeouts.js";
import { comparable } from "../../support/comparable.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "../../support/engine.js";
import { countResources, type Resources, waitForNoLeaks } from "../../support/leaks.js";
import { Sha256 } from "../../support/sha256.js";
import { suite } from "../../support/suite.js";
import { watchUntil } from "../../support/wait-until.js";
import { withItems } from "../../support/with-items.js";

// The requests that dynakv sends by itself have the effects, the answers and the errors of those that the SDK sends.
const test = suite("data planes");
const table = uniqueTableName();
let before: Resources;
let engine: TestEngine;
let proxy: FaultProxy;
let planes: { lean: DataPlane; sdk: DataPlane; tables: { lean: TablePlane; sdk: TablePlane } };
const closers: (() => Promise<void>)[] = [];

function openPlanes(endpoint: string, sessionToken?: string) {
  const { region, accessKeyId, secretAccessKey } = engine;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const client = createDynamoDBClient({ endpoint, region, credentials });
  const lean = createLeanDataPlane(sdkSource(client), timeouts);
  closers.push(async () => {
    client.destroy();
    await lean.close();
  });
  return {
    lean,
    sdk: createSdkDataPlane(client),
    tables: { lean: lean.tables, sdk: createSdkTablePlane(client) },
  };
}

test.before(async () => {
  before = countResources();
  engine = await startTestEngine();
  await createTable(engine, table);
  proxy = await startFaultProxy({ target: engine.endpoint });
  planes = openPlanes(proxy.endpoint);
});

test.before.each(() => {
  proxy.reset();
});

test.after(async () => {
  await Promise.all(closers.map((close) => close()));
  await proxy.stop();
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await engine.stop();
  await waitForNoLeaks(before);
});

const contentType = "application/x-amz-json-1.0";
const signal = new AbortController().signal;
const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);

/** Every type of attribute, and texts that JSON must escape. */
const everything: Item = {
  id: { S: 'every "type" \\ \n \u2028 ключ 🔑' },
  result: { B: bytes },
  empty: { B: new Uint8Array() },
  number: { N: "12345678901234567890.12345678901234567" },
  yes: { BOOL: true },
  nothing: { NULL: true },
  texts: { SS: ["a", "b"] },
  numbers: { NS: ["1", "2"] },
  blobs: { BS: [bytes, bytes.subarray(5, 9)] },
  list: { L: [{ B: bytes.subarray(3) }, { S: "" }, { L: [{ N: "1" }] }] },
  map: { M: { "a.b": { B: bytes.subarray(200) }, deeper: { M: { blob: { B: new Uint8Array() } } } } },
};

/** What became of an operation, in a form that can be compared. */
async function outcomeOf(operation: Promise<object>): Promise<unknown> {
  try {
    const { $metadata: _, ...answer } = (await operation) as { $metadata?: unknown };
    return comparable(answer);
  } catch (error) {
    const { cause: _, ...failure } = classifyError(error);
    return comparable(failure);
  }
}

const key = (id: string) => ({ TableName: table, Key: { id: { S: id } } });

test("items of every type come back as the SDK has them, whoever wrote them", async () => {
  const Key = { id: everything.id ?? { S: "" } };
  for (const writer of [planes.lean, planes.sdk]) {
    await writer.putItem({ TableName: table, Item: everything }, signal);
    for (const reader of [planes.lean, planes.sdk]) {
      const answer = await outcomeOf(reader.getItem({ TableName: table, Key, ConsistentRead: true }, signal));
      assert.equal(answer, comparable({ Item: everything }));
    }
    await writer.deleteItem({ TableName: table, Key }, signal);
  }
});

test("an error has the id by which its request is found at AWS, if it has the form of one", async () => {
  const idOf = async (plane: DataPlane) => {
    const error = await plane.getItem({ TableName: "missing", Key: { id: { S: "k" } } }, signal).then(
      () => undefined,
      (cause: unknown) => cause as { $metadata?: { requestId?: string } },
    );
    return error?.$metadata?.requestId;
  };
  for (const plane of [planes.lean, planes.sdk]) {
    assert.match((await idOf(plane)) ?? "", /^[\w-]+$/);
  }
  const odd = createServer((_, response) =>
    response.writeHead(400, { "x-amzn-requestid": 'a"b' }).end('{"__type":"a#ValidationException"}'),
  ).listen(0, "127.0.0.1");
  await once(odd, "listening");
  assert.is(await idOf(openPlanes(`http://127.0.0.1:${(odd.address() as AddressInfo).port}`).lean), undefined);
  odd.closeAllConnections();
  odd.close();
});

const columns = [
  { name: "id", type: "S" },
  { name: "result", type: "B" },
] as const;

/** Operations by name; each prepares what it needs, so that both planes find the same. */
const operations: Record<string, (plane: DataPlane) => Promise<object>> = {
  "a read of an item": (plane) => plane.getItem({ ...key("stored"), ConsistentRead: true }, signal),
  "a read of nothing": (plane) => plane.getItem(key("absent"), signal),
  "a read of some attributes": (plane) =>
    plane.getItem(
      { ...key("stored"), ProjectionExpression: "#v", ExpressionAttributeNames: { "#v": "result" } },
      signal,
    ),
  "a batch, one key of which is missing": (plane) =>
    plane.batchGetItem(
      { RequestItems: { [table]: { Keys: [{ id: { S: "stored" } }, { id: { S: "absent" } }] } } },
      signal,
    ),
  "a batch with a key twice": (plane) =>
    plane.batchGetItem(
      { RequestItems: { [table]: { Keys: [{ id: { S: "stored" } }, { id: { S: "stored" } }] } } },
      signal,
    ),
  "a batch by columns": (plane) =>
    withItems(
      plane.batchGetColumns(
        { RequestItems: { [table]: { Keys: [{ id: { S: "stored" } }, { id: { S: "absent" } }] } } },
        signal,
        columns,
      ),
    ),
  "a scan of some items": (plane) =>
    withItems(
      plane.scan(
        {
          TableName: table,
          FilterExpression: "begins_with(id, :prefix)",
          ExpressionAttributeValues: { ":prefix": { S: "stored" } },
        },
        signal,
        columns,
      ),
    ),
  "a page of a scan": async (plane) => {
    const { LastEvaluatedKey } = await plane.scan({ TableName: table, Limit: 1 }, signal, columns);
    return withItems(plane.scan({ TableName: table, ExclusiveStartKey: LastEvaluatedKey }, signal, columns));
  },
  "a put": (plane) => plane.putItem({ TableName: table, Item: { id: { S: "put" }, result: { B: bytes } } }, signal),
  "a put whose condition fails": (plane) =>
    plane.putItem(
      {
        TableName: table,
        Item: { id: { S: "stored" } },
        ConditionExpression: "result = :other",
        ExpressionAttributeValues: { ":other": { B: bytes.subarray(1) } },
      },
      signal,
    ),
  "an update": (plane) =>
    plane.updateItem(
      {
        ...key("updated"),
        UpdateExpression: "SET c = :one, b = :bytes",
        ExpressionAttributeValues: { ":one": { N: "1" }, ":bytes": { B: bytes } },
        ReturnValues: "ALL_NEW",
      },
      signal,
    ),
  "an update of a number that is none": (plane) =>
    plane.updateItem(
      { ...key("stored"), UpdateExpression: "ADD result :one", ExpressionAttributeValues: { ":one": { N: "1" } } },
      signal,
    ),
  "a removal": (plane) => plane.deleteItem({ ...key("removed"), ReturnValues: "ALL_OLD" }, signal),
  "a malformed expression": (plane) => plane.updateItem({ ...key("stored"), UpdateExpression: "SET" }, signal),
  "a table that is missing": (plane) => plane.getItem({ TableName: `${table}-none`, Key: { id: { S: "a" } } }, signal),
  "a key of another shape": (plane) => plane.getItem({ TableName: table, Key: { other: { S: "a" } } }, signal),
  "an item that is too large": (plane) =>
    plane.putItem({ TableName: table, Item: { id: { S: "large" }, result: { B: new Uint8Array(410_000) } } }, signal),
};

async function prepare(): Promise<void> {
  const put = (Item: Item) => engine.client.send(new PutItemCommand({ TableName: table, Item }));
  await put({ id: { S: "stored" }, result: { B: bytes }, ttl: { N: "1" } });
  await put({ id: { S: "removed" }, result: { B: bytes } });
}

for (const [name, run] of Object.entries(operations)) {
  test(`${name}: the same answer, or the same error`, async () => {
    await prepare();
    const bySdk = await outcomeOf(run(planes.sdk));
    await prepare();
    assert.equal(await outcomeOf(run(planes.lean)), bySdk);
  });
}

const itsShape: CreateTableCommandInput = {
  TableName: table,
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  BillingMode: "PAY_PER_REQUEST",
};

/** Operations on the table, by name. */
const tableOperations: Record<string, (plane: TablePlane) => Promise<object>> = {
  "the description of a table": async (plane) => {
    const { Table } = await plane.describeTable({ TableName: table }, signal);
    const { TableName, TableStatus, KeySchema, AttributeDefinitions, TableId, CreationDateTime } = Table ?? {};
    const created = CreationDateTime?.toISOString();
    return { TableName, TableStatus, KeySchema, AttributeDefinitions, TableId, created };
  },
  "the description of a table that is missing": (plane) => plane.describeTable({ TableName: `${table}-none` }, signal),
  "the creation of a table that is there": (plane) => plane.createTable(itsShape, signal),
  "the state of TTL": (plane) => plane.describeTimeToLive({ TableName: table }, signal),
  "TTL of a table that is missing": (plane) =>
    plane.updateTimeToLive(
      { TableName: `${table}-none`, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } },
      signal,
    ),
  "a scan by a filter": (plane) =>
    plane.scan(
      {
        TableName: table,
        FilterExpression: "begins_with(id, :prefix)",
        ExpressionAttributeValues: { ":prefix": { S: "stored" } },
        ReturnConsumedCapacity: "TOTAL",
      },
      signal,
    ),
  "a page of a scan": async (plane) => {
    const { LastEvaluatedKey } = await plane.scan({ TableName: table, Limit: 1 }, signal);
    return plane.scan({ TableName: table, ExclusiveStartKey: LastEvaluatedKey }, signal);
  },
  "a removal whose condition fails": (plane) =>
    plane.deleteItem(
      {
        ...key("stored"),
        ConditionExpression: "result = :other",
        ExpressionAttributeValues: { ":other": { B: bytes.subarray(1) } },
      },
      signal,
    ),
};

for (const [name, run] of Object.entries(tableOperations)) {
  test(`${name}: the same answer, or the same error, without the SDK`, async () => {
    await prepare();
    const bySdk = await outcomeOf(run(planes.tables.sdk));
    assert.equal(await outcomeOf(run(planes.tables.lean)), bySdk);
  });
}

const refusal = (status: number, type: string, more: object = {}): Fault => ({
  kind: "answer",
  status,
  body: { __type: type, message: "no", ...more },
});

const faults: Record<string, Fault> = {
  "throttled, with its reasons": throttling("TableReadProvisionedThroughputExceeded"),
  "a 500": internalServerError(),
  denied: refusal(400, "com.amazon.coral.service#AccessDeniedException"),
  "a type with its address": refusal(
    400,
    "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://internal/",
  ),
  "a conflict": refusal(400, "com.amazonaws.dynamodb.v20120810#TransactionConflictException"),
  "an expired token": refusal(400, "com.amazon.coral.service#ExpiredTokenException"),
  "a 503 without a type": { kind: "answer", status: 503, body: {} },
  "a lost answer": "lose-answer",
  "half an answer": "cut-answer",
  "an answer without a body": "empty-body",
  "half of the JSON": "broken-json",
  "a connection that is cut": "refuse",
};

for (const [name, fault] of Object.entries(faults)) {
  for (const operation of ["getItem", "putItem"] as const) {
    test(`${operation}, ${name}: the same error`, async () => {
      await prepare();
      const run = (plane: DataPlane) => {
        proxy.failNext(operation === "getItem" ? "GetItem" : "PutItem", 1, fault);
        return outcomeOf(
          operation === "getItem"
            ? plane.getItem(key("stored"), signal)
            : plane.putItem({ TableName: table, Item: { id: { S: "put" } } }, signal),
        );
      };
      const bySdk = await run(planes.sdk);
      assert.equal(await run(planes.lean), bySdk);
      assert.ok("kind" in (bySdk as object), "it is an error");
    });
  }
}

test("an endpoint where nobody listens is known not to have had the request", async () => {
  const { lean, sdk } = openPlanes("http://127.0.0.1:9");
  const bySdk = await outcomeOf(sdk.getItem(key("a"), signal));
  assert.equal(await outcomeOf(lean.getItem(key("a"), signal)), bySdk);
  assert.equal(bySdk, { applied: "no", kind: "unreachable" });
});

test("a caller who leaves ends the request", async () => {
  proxy.failNext("PutItem", 1, "hang");
  const caller = new AbortController();
  const put = outcomeOf(planes.lean.putItem({ TableName: table, Item: { id: { S: "left" } } }, caller.signal));
  await watchUntil("it has come", () => proxy.requests.has("PutItem"));
  caller.abort();
  assert.equal(await put, { applied: "unknown", kind: "aborted" });
});

test("a caller who has left before anything was sent has written nothing", async () => {
  const caller = new AbortController();
  caller.abort();
  const put = planes.lean.putItem({ TableName: table, Item: { id: { S: "left" } } }, caller.signal);
  assert.equal(await outcomeOf(put), { applied: "no", kind: "aborted" });
});

for (const byMs of [-3_600_000, 3_600_000]) {
  test(`a clock that is an hour ${byMs < 0 ? "ahead" : "behind"} is put right by the first refusal`, async () => {
    proxy.decide = () => ({ kind: "clock-jump", byMs });
    const { lean } = openPlanes(proxy.endpoint);
    assert.equal(await outcomeOf(lean.getItem(key("absent"), signal)), { applied: "no", kind: "clock-skew" });
    assert.equal(await outcomeOf(lean.getItem(key("absent"), signal)), {});
  });
}

test("requests are signed as the SDK signs them, with a session token and without", async () => {
  const verifier = await startVerifier();
  try {
    for (const sessionToken of [undefined, "token/with+signs=="]) {
      const { lean } = openPlanes(verifier.endpoint, sessionToken);
      await lean.putItem({ TableName: table, Item: everything }, signal);
      const { Item: item } = await lean.getItem({ ...key("stored"), ConsistentRead: true }, signal);
      assert.equal(item?.result?.B, Buffer.from(bytes));
    }
    assert.is(verifier.verified(), 4);
  } finally {
    await verifier.stop();
  }
});

/** JSON that means the same as what DynamoDB writes. */
const spellings: Record<string, (json: string) => string> = {
  "with spaces": (json) => JSON.stringify(JSON.parse(json), undefined, 1),
  // Some libraries escape what stands in base64, for the sake of HTML.
  "with escapes": (json) => json.replaceAll("/", "\\/").replaceAll("=", "\\u003d").replaceAll("+", "\\u002b"),
};

for (const [name, spell] of Object.entries(spellings)) {
  test(`answers ${name}: the same items`, async () => {
    await prepare();
    const relay = await startRelay(spell);
    try {
      const { lean, sdk } = openPlanes(relay.endpoint);
      const read = (plane: DataPlane) => outcomeOf(plane.getItem({ ...key("stored"), ConsistentRead: true }, signal));
      const bySdk = await read(sdk);
      assert.equal(await read(lean), bySdk);
      assert.match(JSON.stringify(bySdk), Buffer.from(bytes).toString("hex"));
    } finally {
      await relay.stop();
    }
  });
}

/** An endpoint before the engine that spells its answers in another way. */
async function startRelay(spell: (json: string) => string) {
  const server = createServer(async (request, response) => {
    const { status, text } = await forward(request.headers as Headers, await readBody(request));
    response.writeHead(status, { "content-type": contentType }).end(spell(text));
  });
  return listen(server);
}

/** An endpoint before the engine that signs each request once more, with AWS's own library, and refuses what differs. */
async function startVerifier() {
  let verified = 0;
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const given = request.headers.authorization ?? "";
    const headers = request.headers as Headers;
    const right = await signAgain(headers, body);
    if (given !== right) {
      response.writeHead(403).end(JSON.stringify({ __type: "x#InvalidSignatureException", message: right }));
      return;
    }
    verified += 1;
    // The session is none that the engine has given out.
    const { "x-amz-security-token": _, ...others } = headers;
    const authorization = (await signAgain(others, body)) ?? "";
    const { status, text } = await forward({ ...others, authorization }, body);
    response.writeHead(status, { "content-type": contentType }).end(text);
  });
  return { ...(await listen(server)), verified: () => verified };
}

type Headers = Readonly<Record<string, string>>;

/** Sends a request to the engine with the host that it was signed for. */
async function forward(headers: Headers, body: Buffer): Promise<{ status: number; text: string }> {
  const sent = sendRequest(engine.endpoint, { method: "POST", headers, agent: false }).end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, text: (await readBody(answer)).toString() };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function listen(server: Server) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function signAgain(all: Headers, body: Buffer): Promise<string | undefined> {
  const { region, accessKeyId, secretAccessKey } = engine;
  const sessionToken = all["x-amz-security-token"];
  const signer = new SignatureV4({
    region,
    service: "dynamodb",
    sha256: Sha256,
    applyChecksum: false,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  const names = /SignedHeaders=([^,]+)/.exec(all.authorization ?? "")?.[1]?.split(";") ?? [];
  const headers = Object.fromEntries(names.flatMap((name) => (name in all ? [[name, all[name] ?? ""]] : [])));
  const signingDate = new Date((all["x-amz-date"] ?? "").replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
  const request = { method: "POST", protocol: "http:", hostname: "", path: "/", query: {}, headers, body };
  const signed = await signer.sign(request, { signingDate });
  return signed.headers.authorization;
}

test.run();
