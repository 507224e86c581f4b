import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type KeySchemaElement,
} from "@aws-sdk/client-dynamodb";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { InfoService } from "../../../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "../../../../gen/grpc/health/v1/health_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { createServer, type Server, type ServerOptions, SetupError } from "../../../src/index.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "../../support/engine.js";
import { failureOf } from "../../support/errors.js";
import { countResources, type Resources, waitForNoLeaks } from "../../support/leaks.js";
import { isOwnProbe } from "../../support/own-probe.js";
import { suite } from "../../support/suite.js";
import { waitUntil } from "../../support/wait-until.js";

// The numbers are those of the list of the seed's behaviour: celery/backends/dynamodb.py.
const test = suite("table set-up");
let before: Resources;
let engine: TestEngine;
let proxy: FaultProxy;
const running: Server[] = [];

test.before(async () => {
  before = countResources();
  engine = await startTestEngine();
  proxy = await startFaultProxy({ target: engine.endpoint });
});

test.before.each(() => {
  proxy.reset();
});

test.after.each(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

test.after(async () => {
  await proxy.stop();
  await engine.stop();
  await waitForNoLeaks(before);
});

/** Starts a server on the engine behind the proxy, and collects what it logs. */
async function start(options: ServerOptions) {
  const lines: { level: number; msg: string }[] = [];
  const { region, accessKeyId, secretAccessKey } = engine;
  const server = createServer({
    listen: "127.0.0.1:0",
    endpoint: proxy.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    logger: pino({ level: "debug" }, { write: (line: string) => lines.push(JSON.parse(line)) }),
    ...options,
  });
  running.push(server);
  const { url } = await server.start();
  const transport = createGrpcTransport({ baseUrl: url });
  return {
    client: createClient(KeyValueService, transport),
    info: createClient(InfoService, transport),
    health: createClient(Health, transport),
    lines: () => lines,
    warnings: () => lines.filter(({ level }) => level === 40).map(({ msg }) => msg),
  };
}

async function createTableOf(keys: [string, "HASH" | "RANGE", "S" | "N"][]): Promise<string> {
  const table = uniqueTableName();
  await createTable(engine, table, {
    KeySchema: keys.map(([AttributeName, KeyType]): KeySchemaElement => ({ AttributeName, KeyType })),
    AttributeDefinitions: keys.map(([AttributeName, , AttributeType]) => ({ AttributeName, AttributeType })),
  });
  return table;
}

async function refusal(options: ServerOptions): Promise<SetupError> {
  try {
    await start(options);
  } catch (error) {
    assert.instance(error, SetupError);
    return error as SetupError;
  }
  throw new Error("the server should not have started");
}

test("8, 9: a missing table is described, created once with id as its key, and billed on demand", async () => {
  const table = uniqueTableName();
  await start({ table });
  assert.is(proxy.requests.get("CreateTable"), 1);
  const { Table } = await engine.client.send(new DescribeTableCommand({ TableName: table }));
  assert.equal(Table?.KeySchema, [{ AttributeName: "id", KeyType: "HASH" }]);
  assert.is(Table?.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
});

test("8: with a capacity the table is provisioned, and one that is not given is Celery's 1", async () => {
  const table = uniqueTableName();
  await start({ table, readCapacity: 10 });
  const { Table } = await engine.client.send(new DescribeTableCommand({ TableName: table }));
  assert.is(Table?.ProvisionedThroughput?.ReadCapacityUnits, 10);
  assert.is(Table?.ProvisionedThroughput?.WriteCapacityUnits, 1);
});

test("10: a table that is there is never created", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  await start({ table });
  assert.is(proxy.requests.get("CreateTable"), undefined);
});

test("10: a table of another key schema is refused, saying how it differs", async () => {
  const sorted = await refusal({
    table: await createTableOf([
      ["id", "HASH", "S"],
      ["at", "RANGE", "N"],
    ]),
  });
  assert.match(sorted.message, "has a sort key, 'at'");
  const named = await refusal({ table: await createTableOf([["pk", "HASH", "S"]]) });
  assert.match(named.message, "its partition key is 'pk' (S), not 'id'");
  const typed = await refusal({ table: await createTableOf([["id", "HASH", "N"]]) });
  assert.match(typed.message, "needs a string (S)");
});

test("a missing table that must not be created is refused, and CreateTable is never called", async () => {
  const error = await refusal({ table: uniqueTableName(), createTable: false });
  assert.match(error.message, "creating it is not allowed");
  assert.is(proxy.requests.get("CreateTable"), undefined);
});

test("31: a server without the right to create a table serves one that is there", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  const accessDenied = {
    kind: "answer",
    status: 400,
    body: { __type: "com.amazon.coral.service#AccessDeniedException" },
  } as const;
  proxy.decide = ({ operation }) => (operation === "CreateTable" ? accessDenied : "forward");
  const { client } = await start({ table });
  assert.is((await client.incr({ key: "k" })).value, 1n);
  const error = await refusal({ table: uniqueTableName() });
  assert.match(error.message, "dynamodb:CreateTable");
});

test("11: an error while describing ends the start with what it was", async () => {
  const accessDenied = {
    kind: "answer",
    status: 400,
    body: { __type: "com.amazon.coral.service#AccessDeniedException" },
  } as const;
  proxy.decide = ({ operation }) => (operation === "DescribeTable" ? accessDenied : "forward");
  const error = await refusal({ table: uniqueTableName() });
  assert.match(error.message, "AccessDeniedException");
  assert.match(error.message, "dynamodb:DescribeTable");
});

test("9: a table that is being created is waited for", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  let creating = 3;
  proxy.decide = ({ operation }) =>
    operation === "DescribeTable" && creating-- > 0
      ? {
          kind: "answer",
          status: 200,
          body: {
            Table: {
              TableName: table,
              TableStatus: "CREATING",
              KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
              AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
            },
          },
        }
      : "forward";
  const { client } = await start({ table });
  assert.is(proxy.requests.get("DescribeTable"), 4);
  assert.is((await client.get({ key: "k" })).entry, undefined);
});

test("two servers that start at once on a missing table both serve it", async () => {
  const table = uniqueTableName();
  const both = await Promise.all([start({ table }), start({ table })]);
  for (const { client } of both) {
    await client.incr({ key: "shared" });
  }
  assert.is((await both[0].client.get({ key: "shared", consistency: Consistency.STRONG })).entry?.data.value, 2n);
});

// No engine that can be had without an account takes hours between changes of the TTL: its answers are written here.
const fixedInterval = {
  __type: "com.amazon.coral.validate#ValidationException",
  message: "Time to live has been modified multiple times within a fixed interval",
};
const otherAttribute = {
  __type: "com.amazon.coral.validate#ValidationException",
  message: "TimeToLive is active on a different AttributeName",
};
const cases: {
  name: string;
  ttlSeconds: number;
  status: string;
  attribute?: string;
  update?: object;
  updates: number;
  warning?: string;
}[] = [
  { name: "13: DISABLED is enabled", ttlSeconds: 60, status: "DISABLED", updates: 1 },
  { name: "14: ENABLED on ttl is left", ttlSeconds: 60, status: "ENABLED", attribute: "ttl", updates: 0 },
  { name: "14: ENABLING on ttl is left", ttlSeconds: 0, status: "ENABLING", attribute: "ttl", updates: 0 },
  {
    name: "15: DISABLING cannot be enabled yet",
    ttlSeconds: 60,
    status: "DISABLING",
    attribute: "ttl",
    update: fixedInterval,
    updates: 1,
    warning: "one change an hour",
  },
  {
    name: "16: ENABLED on another attribute is left",
    ttlSeconds: 60,
    status: "ENABLED",
    attribute: "other",
    update: otherAttribute,
    updates: 0,
    warning: "is on attribute 'other'",
  },
  { name: "17: DISABLED stays", ttlSeconds: -1, status: "DISABLED", updates: 0 },
  { name: "17: DISABLING stays", ttlSeconds: -1, status: "DISABLING", attribute: "ttl", updates: 0 },
  { name: "18: ENABLED is disabled", ttlSeconds: -1, status: "ENABLED", attribute: "ttl", updates: 1 },
  {
    name: "19: ENABLING cannot be disabled yet",
    ttlSeconds: -1,
    status: "ENABLING",
    attribute: "ttl",
    update: fixedInterval,
    updates: 1,
    warning: "one change an hour",
  },
  { name: "20: an unknown status is left", ttlSeconds: 60, status: "PAUSED", updates: 0, warning: "'PAUSED'" },
];

for (const { name, ttlSeconds, status, attribute, update, updates, warning } of cases) {
  test(`${name}${warning === undefined ? "" : ", warns, and the server runs"}`, async () => {
    proxy.decide = ({ operation }) => {
      switch (operation) {
        case "DescribeTimeToLive":
          return {
            kind: "answer",
            status: 200,
            body: { TimeToLiveDescription: { TimeToLiveStatus: status, AttributeName: attribute } },
          };
        case "UpdateTimeToLive":
          return update === undefined
            ? { kind: "answer", status: 200, body: { TimeToLiveSpecification: {} } }
            : { kind: "answer", status: 400, body: update };
        default:
          return "forward";
      }
    };
    const { client, warnings } = await start({ table: uniqueTableName(), ttlSeconds });
    assert.is(proxy.requests.get("DescribeTimeToLive"), 1);
    assert.is(proxy.requests.get("UpdateTimeToLive") ?? 0, updates);
    assert.is(warnings().length, warning === undefined ? 0 : 1);
    assert.match(warnings()[0] ?? "", warning ?? "");
    assert.is((await client.get({ key: "k" })).entry, undefined);
  });
}

test("12: a TTL that cannot be described is a warning with the error, and the server runs", async () => {
  proxy.decide = ({ operation }) =>
    operation === "DescribeTimeToLive"
      ? { kind: "answer", status: 400, body: { __type: "x#AccessDeniedException", Message: "not authorized" } }
      : "forward";
  const { warnings, info } = await start({ table: uniqueTableName(), ttlSeconds: 60 });
  assert.match(warnings()[0] ?? "", "AccessDeniedException");
  assert.is((await info.getInfo({})).features?.autoExpiry, false);
});

test("with the TTL unset nothing of it is changed", async () => {
  await start({ table: uniqueTableName() });
  assert.is(proxy.requests.get("UpdateTimeToLive"), undefined);
});

test("an unreachable endpoint: calls are UNAVAILABLE, health is NOT_SERVING, and both recover by themselves", async () => {
  const table = uniqueTableName();
  proxy.decide = () => "refuse";
  const { client, health, warnings } = await start({ table });
  const failure = await failureOf(client.get({ key: "k" }));
  assert.equal([failure.code, failure.reason], ["Unavailable", "BACKEND_UNAVAILABLE"]);
  assert.is((await failureOf(client.set({ key: "k", value: Buffer.from("x") }))).code, "Unavailable");
  assert.is((await health.check({})).status, HealthCheckResponse_ServingStatus.NOT_SERVING);
  assert.match(warnings()[0] ?? "", "cannot be reached");

  const statuses = health.watch({})[Symbol.asyncIterator]();
  assert.is((await statuses.next()).value?.status, HealthCheckResponse_ServingStatus.NOT_SERVING);
  proxy.decide = () => "forward";
  assert.is((await statuses.next()).value?.status, HealthCheckResponse_ServingStatus.SERVING);
  assert.is((await client.incr({ key: "k" })).value, 1n);

  proxy.decide = () => "refuse";
  assert.is((await statuses.next()).value?.status, HealthCheckResponse_ServingStatus.NOT_SERVING);
  await statuses.return?.();
});

const probeDenied = (type: string) =>
  ({ kind: "answer", status: 400, body: { __type: `com.amazon.coral.service#${type}` } }) as const;

test("a probe that is denied for its key is an answer; one that is denied for who asks is none", async () => {
  const table = uniqueTableName();
  const { health, client } = await start({ table });
  let probes = 0;
  proxy.decide = (request) => {
    probes += isOwnProbe(request) ? 1 : 0;
    return isOwnProbe(request) ? probeDenied("AccessDeniedException") : "forward";
  };
  await waitUntil("there were probes", () => probes >= 4);
  assert.is((await health.check({})).status, HealthCheckResponse_ServingStatus.SERVING);
  assert.is((await client.incr({ key: "k" })).value, 1n);
  proxy.decide = (request) => (isOwnProbe(request) ? probeDenied("UnrecognizedClientException") : "forward");
  const { NOT_SERVING } = HealthCheckResponse_ServingStatus;
  await waitUntil("it is not ready", async () => (await health.check({})).status === NOT_SERVING);
});

test("a table that is deleted while the server runs is made again, with its TTL, and the log says so", async () => {
  const table = uniqueTableName();
  const { client, health, lines } = await start({ table, ttlSeconds: 0 });
  await client.set({ key: "k", value: Buffer.from("v") });
  proxy.requests.clear();
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await waitUntil("it serves again", () =>
    client.set({ key: "after", value: Buffer.from("v") }).then(
      () => true,
      () => false,
    ),
  );
  await waitUntil(
    "it is ready",
    async () => (await health.check({})).status === HealthCheckResponse_ServingStatus.SERVING,
  );
  assert.is(proxy.requests.get("CreateTable"), 1);
  assert.ok((proxy.requests.get("DescribeTimeToLive") ?? 0) >= 1);
  const said = lines().map(({ msg }) => msg);
  assert.ok(
    said.some((msg) => /running table setup again/.test(msg)),
    `${said}`,
  );
  assert.ok(
    said.some((msg) => /was missing; created/.test(msg)),
    `${said}`,
  );
});

test("a table that is deleted, and must not be created, is waited for", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  const { client, warnings } = await start({ table, createTable: false });
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await waitUntil("it says so", () => warnings().some((msg) => /creating it is not allowed/.test(msg)));
  const failure = await failureOf(client.set({ key: "k", value: Buffer.from("v") }));
  assert.equal([failure.code, failure.reason, failure.outcome], ["Unavailable", "TABLE_UNAVAILABLE", "NOT_APPLIED"]);
  assert.is(proxy.requests.get("CreateTable"), undefined);
  await engine.client.send(
    new CreateTableCommand({
      TableName: table,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await waitUntil("it serves again", () =>
    client.set({ key: "k", value: Buffer.from("v") }).then(
      () => true,
      () => false,
    ),
  );
});

test("a table that comes back in another shape is refused while it is so, and the log says how it differs", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  const { client, warnings } = await start({ table, createTable: false });
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await waitUntil("it is gone", () => warnings().some((msg) => /does not exist/.test(msg)));
  const create = (name: string) =>
    engine.client.send(
      new CreateTableCommand({
        TableName: table,
        KeySchema: [{ AttributeName: name, KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: name, AttributeType: "S" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
  await create("pk");
  await waitUntil("it says so", () => warnings().some((msg) => /its partition key is 'pk'/.test(msg)));
  assert.is((await failureOf(client.get({ key: "k" }))).reason, "TABLE_UNAVAILABLE");
  await engine.client.send(new DeleteTableCommand({ TableName: table }));
  await waitUntil("it is gone", () =>
    create("id").then(
      () => true,
      () => false,
    ),
  );
  await waitUntil("it serves again", () =>
    client.set({ key: "k", value: Buffer.from("v") }).then(
      () => true,
      () => false,
    ),
  );
});

test("a table that is replaced between two probes is set up again, and the log says so", async () => {
  const table = uniqueTableName();
  const { lines } = await start({ table, ttlSeconds: 0 });
  const before = proxy.requests.get("DescribeTimeToLive") ?? 0;
  // For the server there is one all the time, but of another identity: as when it was deleted and made between two looks.
  proxy.decide = ({ operation }) =>
    operation === "DescribeTable" ? { kind: "rewrite", answer: (body) => withIdentity(body, "another") } : "forward";
  await waitUntil("it is set up again", () => (proxy.requests.get("DescribeTimeToLive") ?? 0) > before, 60_000);
  await waitUntil("it says so", () => lines().some(({ msg }) => /table replaced/.test(msg)));
});

function withIdentity(body: Buffer, id: string): Buffer {
  const answer = JSON.parse(body.toString());
  return Buffer.from(JSON.stringify({ ...answer, Table: { ...answer.Table, TableId: id } }));
}

test("replicas of the eventually consistent kind are told of at the start, with what does not hold", async () => {
  const table = await createTableOf([["id", "HASH", "S"]]);
  const told = async (more: object) => {
    proxy.decide = ({ operation }) =>
      operation === "DescribeTable"
        ? {
            kind: "rewrite",
            answer: (body) => {
              const answer = JSON.parse(body.toString());
              return Buffer.from(JSON.stringify({ ...answer, Table: { ...answer.Table, ...more } }));
            },
          }
        : "forward";
    return (await start({ table })).warnings().filter((msg) => /replicas/.test(msg));
  };
  const Replicas = [{ RegionName: "eu-west-1" }, { RegionName: "us-west-2" }];
  const [warning = ""] = await told({ Replicas });
  assert.match(warning, "eu-west-1, us-west-2, eventually consistent");
  assert.match(warning, "last writer wins");
  assert.equal(await told({ Replicas, MultiRegionConsistency: "STRONG" }), []);
  assert.equal(await told({ Replicas: [] }), []);
});

test("the info service tells the table, the limits and what the backend supports", async () => {
  const table = uniqueTableName();
  const { info } = await start({ table, ttlSeconds: 600 });
  const answer = await info.getInfo({});
  assert.is(answer.table?.name, table);
  assert.is(answer.table?.valueAttribute, "result");
  assert.is(answer.limits?.maxKeyBytes, 2048);
  assert.is(answer.limits?.maxItemBytes, 409_600);
  assert.is(answer.defaultExpiry?.seconds, 600n);
  assert.equal([answer.features?.autoExpiry, answer.features?.atomicCounters], [true, true]);
});

test.run();
