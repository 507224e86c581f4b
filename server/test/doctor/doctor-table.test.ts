import {
  type CreateTableCommandInput,
  DescribeTableCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { answer, denied, expectTroubles, prepareDoctor } from "../support/doctor-grounds.js";
import { uniqueTableName } from "../support/engine.js";
import { suite } from "../support/suite.js";

const test = suite("doctor: the table and the rights");
const grounds = prepareDoctor(test);
const { createTable, describeTtl, findingsOf, spoil } = grounds;

test("a table that is well", async () => {
  const findings = await findingsOf({ table: grounds.table });
  expectTroubles(findings, []);
  assert.ok(findings.includes("ok credentials: from dynakv's settings"));
  assert.ok(findings.includes("ok items: of 3 sampled: 1 values, 1 counters, 1 expired"), findings.join("\n"));
  for (const action of ["DescribeTable", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan"]) {
    assert.ok(findings.includes(`ok right dynamodb:${action}: allowed`), action);
  }
});

test("nothing is changed by looking", async () => {
  const scan = () => grounds.engine.client.send(new ScanCommand({ TableName: grounds.table }));
  const before = (await scan()).Items;
  await findingsOf({ table: grounds.table });
  assert.equal((await scan()).Items, before);
  const missing = uniqueTableName();
  await findingsOf({ table: missing, createTable: true, ttlSeconds: 10 });
  const described = await grounds.engine.client
    .send(new DescribeTableCommand({ TableName: missing }))
    .catch(({ name }) => name);
  assert.is(described, "ResourceNotFoundException");
});

test("no table", async () => {
  const name = uniqueTableName();
  expectTroubles(await findingsOf({ table: name, createTable: false }), [
    /^failure table: .* does not exist in us-east-1$/,
  ]);
  expectTroubles(await findingsOf({ table: name, createTable: true }), [/^warning table: .* does not exist/]);
});

const string = "S" as const;
const shapes: Record<string, { options: Partial<CreateTableCommandInput>; found: RegExp }> = {
  "another key": {
    options: {
      KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "key", AttributeType: string }],
    },
    found: /^failure table: its partition key is 'key' \(S\), not 'id'$/,
  },
  "a numeric key": {
    options: { AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }] },
    found: /^failure table: its partition key is 'id' \(N\)$/,
  },
  "a sort key": {
    options: {
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        { AttributeName: "at", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: string },
        { AttributeName: "at", AttributeType: string },
      ],
    },
    found: /^failure table: it has a sort key, 'at'$/,
  },
};

for (const [name, { options, found }] of Object.entries(shapes)) {
  test(`a table with ${name}`, async () => {
    const findings = await findingsOf({ table: await createTable(options) });
    // With such a key, the rights of calls cannot be tried either, and that is told as well.
    expectTroubles(findings, [
      found,
      ...(findings.some((each) => /^failure right/.test(each)) ? [/^failure right/] : []),
    ]);
  });
}

test("a table with Celery's capacity of 1", async () => {
  const ProvisionedThroughput = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
  const name = await createTable({ BillingMode: "PROVISIONED", ProvisionedThroughput });
  expectTroubles(await findingsOf({ table: name }), [/^warning billing: provisioned, 1 read and 1 write units/]);
});

test("a table without TTL, and with it on another attribute", async () => {
  describeTtl({ TimeToLiveStatus: "DISABLED" });
  expectTroubles(await findingsOf({ table: grounds.table }), [
    /^warning TTL: DISABLED: entries that expire stay in the table/,
  ]);
  expectTroubles(await findingsOf({ table: grounds.table, ttlSeconds: 60 }), [
    /^warning TTL: DISABLED, and ttlSeconds wants it on$/,
  ]);
  expectTroubles(await findingsOf({ table: grounds.table, ttlSeconds: -1 }), []);
  describeTtl({ TimeToLiveStatus: "ENABLING", AttributeName: "ttl" });
  expectTroubles(await findingsOf({ table: grounds.table, ttlSeconds: 60 }), []);
  expectTroubles(await findingsOf({ table: grounds.table, ttlSeconds: -1 }), [
    /^warning TTL: ENABLING on 'ttl', and ttlSeconds wants it off$/,
  ]);
  describeTtl({ TimeToLiveStatus: "ENABLED", AttributeName: "other" });
  expectTroubles(await findingsOf({ table: grounds.table }), [/^warning TTL: ENABLED on 'other', not on 'ttl'/]);
});

test("items of another program", async () => {
  const name = await createTable();
  await grounds.engine.client.send(
    new PutItemCommand({ TableName: name, Item: { id: { S: "k" }, result: { S: "text" } } }),
  );
  expectTroubles(await findingsOf({ table: name }), [/^warning items: of 1 sampled: 1 of another shape$/]);
});

test("another region", async () => {
  const region = "eu-west-1";
  const { TableNames: elsewhere = [] } = await listTables(region);
  // The embedded engine and some others have one set of tables for all regions.
  const isSeparate = !elsewhere.includes(grounds.table);
  expectTroubles(
    await findingsOf({ table: grounds.table, region, createTable: false }),
    isSeparate ? [/^failure table: .* in eu-west-1$/] : [],
  );
});

async function listTables(region: string) {
  const { ListTablesCommand, DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { endpoint, accessKeyId, secretAccessKey } = grounds.engine;
  const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const answer = await client.send(new ListTablesCommand({}));
  client.destroy();
  return answer;
}

const deniedActions: Record<string, RegExp[]> = {
  DescribeTable: [/^failure right dynamodb:DescribeTable: denied: without it, the server does not start$/],
  GetItem: [/^failure right dynamodb:GetItem: denied: without it, Get fails/],
  BatchGetItem: [/^failure right dynamodb:BatchGetItem: denied: without it, MGet fails/],
  PutItem: [/^failure right dynamodb:PutItem: denied: without it, Set fails$/],
  UpdateItem: [/^failure right dynamodb:UpdateItem: denied: without it, Incr and Touch fail$/],
  DeleteItem: [/^failure right dynamodb:DeleteItem: denied: without it, Delete fails$/],
  // Only exports need it.
  Scan: [],
  DescribeTimeToLive: [/^warning right dynamodb:DescribeTimeToLive: denied: without it, the table's TTL is left/],
};

for (const [operation, patterns] of Object.entries(deniedActions)) {
  test(`${operation} is denied`, async () => {
    spoil({ [operation]: denied("AccessDeniedException") });
    const findings = await findingsOf({ table: grounds.table });
    expectTroubles(findings, patterns);
    assert.not.match(findings.join("\n"), "planted");
  });
}

test("credentials that are refused", async () => {
  for (const name of ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"]) {
    spoil({ DescribeTable: denied(name), GetItem: denied(name) });
    const findings = await findingsOf({ table: grounds.table });
    expectTroubles(findings, [
      new RegExp(`^failure right dynamodb:DescribeTable: the credentials are refused \\(${name}\\)$`),
    ]);
    assert.not.match(findings.join("\n"), "planted");
  }
});

test("a clock that is off, and one that is so far off that DynamoDB refuses", async () => {
  expectTroubles(await findingsOf({ table: grounds.table }, () => Date.now() + 30_000), [
    /^warning clock: it is (2[5-9]|3[0-5]) s ahead/,
  ]);
  expectTroubles(await findingsOf({ table: grounds.table }, () => Date.now() - 600_000), [
    /^failure clock: it is (59[5-9]|60[0-5]) s behind/,
  ]);
  spoil({ DescribeTable: denied("RequestExpired") });
  expectTroubles(await findingsOf({ table: grounds.table }), [
    /^failure right .*: refused for the time in its signature/,
  ]);
});

test("a table that throttles", async () => {
  spoil({ GetItem: denied("ProvisionedThroughputExceededException") });
  expectTroubles(await findingsOf({ table: grounds.table }), [
    /^warning right dynamodb:GetItem: allowed, but throttled$/,
  ]);
});

test("a table that is still being created", async () => {
  const Table = {
    TableName: grounds.table,
    TableStatus: "CREATING",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  };
  spoil({ DescribeTable: answer({ Table }) });
  expectTroubles(await findingsOf({ table: grounds.table }), [/^warning table: .* is CREATING/]);
});

test("a table with replicas, whose last writer wins or which are consistent", async () => {
  const Table = {
    TableName: grounds.table,
    TableStatus: "ACTIVE",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    Replicas: [{ RegionName: "eu-west-1" }, { RegionName: "us-west-2" }],
  };
  spoil({ DescribeTable: answer({ Table }) });
  expectTroubles(await findingsOf({ table: grounds.table }), [
    /^warning replicas: .*eu-west-1, us-west-2, eventually .*last writer wins/,
  ]);
  spoil({ DescribeTable: answer({ Table: { ...Table, MultiRegionConsistency: "STRONG" } }) });
  const strong = await findingsOf({ table: grounds.table });
  expectTroubles(strong, []);
  assert.ok(strong.some((line) => /^ok replicas: .*strongly consistent/.test(line)));
});

test("a page in DynamoDB's place is not taken for it", async () => {
  for (const contentType of ["text/html", "application/json"]) {
    spoil({ ListTables: { kind: "answer", status: 200, body: { TableNames: [] }, contentType } });
    expectTroubles(await findingsOf({ table: grounds.table }), [/^failure endpoint: .*not as DynamoDB does/]);
  }
});

test.run();
