import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer as createRelay, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { examine } from "../../src/doctor/examine.js";
import { leastPolicy } from "../../src/doctor/rights.js";
import { type Fault, type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { completeSettings } from "../../src/settings/complete-settings.js";
import type { Settings } from "../../src/settings/settings.js";
import {
  createTable as createEngineTable,
  startTestEngine,
  type TestEngine,
  uniqueTableName,
} from "../support/engine.js";
import { spawnCli, spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("doctor");
const secret = "planted-secret-of-an-access-key";
const tables: string[] = [];
let engine: TestEngine;
let proxy: FaultProxy;
/** What the table's TTL is said to be: the embedded engine cannot change it. */
let ttl: object;

test.before(async () => {
  engine = await startTestEngine();
  proxy = await startFaultProxy({ target: engine.endpoint });
});

test.before.each(() => {
  proxy.reset();
  ttl = { TimeToLiveStatus: "ENABLED", AttributeName: "ttl" };
  spoil({});
});

/** Has some operations answered otherwise than by the engine. */
function spoil(faults: Readonly<Record<string, Fault>>): void {
  const answers = { DescribeTimeToLive: answer({ TimeToLiveDescription: ttl }), ...faults };
  proxy.decide = ({ operation }) => (answers as Record<string, Fault>)[operation] ?? "forward";
}

function answer(body: object): Fault {
  return { kind: "answer", status: 200, body };
}

test.after(async () => {
  for (const TableName of tables) {
    await engine.client.send(new DeleteTableCommand({ TableName }));
  }
  await proxy.stop();
  await engine.stop();
});

async function createTable(options: Partial<CreateTableCommandInput> = {}): Promise<string> {
  const table = uniqueTableName();
  await createEngineTable(engine, table, options);
  tables.push(table);
  return table;
}

/** What the doctor finds, as `level subject: detail`. */
async function findingsOf(settings: Partial<Settings>, clock?: () => number): Promise<string[]> {
  const { region, accessKeyId, secretAccessKey } = engine;
  // Where the default would have it, another test may listen.
  const listen = "127.0.0.1:0";
  const given = { listen, endpoint: proxy.endpoint, region, accessKeyId, secretAccessKey, ...settings };
  const examination = await examine(completeSettings(given).settings, new AbortController().signal, clock);
  for (const { level, advice } of examination.findings) {
    assert.is(advice !== undefined, level === "warning" || level === "failure");
  }
  return examination.findings.map(({ level, subject, detail }) => `${level} ${subject}: ${detail}`);
}

/** Settings by which the embedded engine serves. */
const embedded = { endpoint: undefined, region: undefined, accessKeyId: undefined, secretAccessKey: undefined };

/** Each thing that is not well must be found by one of the patterns, and each pattern must find one. */
function expectTroubles(findings: readonly string[], patterns: readonly RegExp[]): void {
  // How long the engine takes is the machine's doing.
  const troubles = findings.filter(
    (finding) => /^(warning|failure)/.test(finding) && !finding.startsWith("warning latency:"),
  );
  for (const pattern of patterns) {
    assert.ok(
      troubles.some((trouble) => pattern.test(trouble)),
      `${pattern} was not found in\n${findings.join("\n")}`,
    );
  }
  for (const trouble of troubles) {
    assert.ok(
      patterns.some((pattern) => pattern.test(trouble)),
      `${trouble} was not expected`,
    );
  }
}

let table: string;

test("a table that is well", async () => {
  table = await createTable();
  const items = [
    { result: { B: Buffer.from("a value") } },
    { chord_count: { N: "3" } },
    { result: { B: Buffer.from("gone") }, ttl: { N: "1" } },
  ];
  for (const [index, item] of items.entries()) {
    await engine.client.send(
      new PutItemCommand({ TableName: table, Item: { id: { S: `planted-${index}` }, ...item } }),
    );
  }
  const findings = await findingsOf({ table });
  expectTroubles(findings, []);
  assert.ok(findings.includes("ok credentials: from dynakv's settings"));
  assert.ok(findings.includes("ok items: of 3 sampled: 1 values, 1 counters, 1 expired"), findings.join("\n"));
  for (const action of ["DescribeTable", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan"]) {
    assert.ok(findings.includes(`ok right dynamodb:${action}: allowed`), action);
  }
});

test("nothing is changed by looking", async () => {
  const scan = () => engine.client.send(new ScanCommand({ TableName: table }));
  const before = (await scan()).Items;
  await findingsOf({ table });
  assert.equal((await scan()).Items, before);
  const missing = uniqueTableName();
  await findingsOf({ table: missing, createTable: true, ttlSeconds: 10 });
  const described = await engine.client
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
  const tell = (description: object) => {
    ttl = description;
    spoil({});
  };
  tell({ TimeToLiveStatus: "DISABLED" });
  expectTroubles(await findingsOf({ table }), [/^warning TTL: DISABLED: entries that expire stay in the table/]);
  expectTroubles(await findingsOf({ table, ttlSeconds: 60 }), [/^warning TTL: DISABLED, and ttlSeconds wants it on$/]);
  expectTroubles(await findingsOf({ table, ttlSeconds: -1 }), []);
  tell({ TimeToLiveStatus: "ENABLING", AttributeName: "ttl" });
  expectTroubles(await findingsOf({ table, ttlSeconds: 60 }), []);
  expectTroubles(await findingsOf({ table, ttlSeconds: -1 }), [
    /^warning TTL: ENABLING on 'ttl', and ttlSeconds wants it off$/,
  ]);
  tell({ TimeToLiveStatus: "ENABLED", AttributeName: "other" });
  expectTroubles(await findingsOf({ table }), [/^warning TTL: ENABLED on 'other', not on 'ttl'/]);
});

test("items of another program", async () => {
  const name = await createTable();
  await engine.client.send(new PutItemCommand({ TableName: name, Item: { id: { S: "k" }, result: { S: "text" } } }));
  expectTroubles(await findingsOf({ table: name }), [/^warning items: of 1 sampled: 1 of another shape$/]);
});

test("another region", async () => {
  const region = "eu-west-1";
  const { TableNames: elsewhere = [] } = await listTables(region);
  // The embedded engine and some others have one set of tables for all regions.
  const isSeparate = !elsewhere.includes(table);
  expectTroubles(
    await findingsOf({ table, region, createTable: false }),
    isSeparate ? [/^failure table: .* in eu-west-1$/] : [],
  );
});

async function listTables(region: string) {
  const { ListTablesCommand, DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { endpoint, accessKeyId, secretAccessKey } = engine;
  const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const answer = await client.send(new ListTablesCommand({}));
  client.destroy();
  return answer;
}

function denied(name: string, message = "planted-message") {
  return {
    kind: "answer",
    status: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message },
  } as const;
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
    const findings = await findingsOf({ table });
    expectTroubles(findings, patterns);
    assert.not.match(findings.join("\n"), "planted");
  });
}

test("credentials that are refused", async () => {
  for (const name of ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"]) {
    spoil({ DescribeTable: denied(name), GetItem: denied(name) });
    const findings = await findingsOf({ table });
    expectTroubles(findings, [
      new RegExp(`^failure right dynamodb:DescribeTable: the credentials are refused \\(${name}\\)$`),
    ]);
    assert.not.match(findings.join("\n"), "planted");
  }
});

test("a clock that is off, and one that is so far off that DynamoDB refuses", async () => {
  expectTroubles(await findingsOf({ table }, () => Date.now() + 30_000), [
    /^warning clock: it is (2[5-9]|3[0-5]) s ahead/,
  ]);
  expectTroubles(await findingsOf({ table }, () => Date.now() - 600_000), [
    /^failure clock: it is (59[5-9]|60[0-5]) s behind/,
  ]);
  spoil({ DescribeTable: denied("RequestExpired") });
  expectTroubles(await findingsOf({ table }), [/^failure right .*: refused for the time in its signature/]);
});

test("a table that throttles", async () => {
  spoil({ GetItem: denied("ProvisionedThroughputExceededException") });
  expectTroubles(await findingsOf({ table }), [/^warning right dynamodb:GetItem: allowed, but throttled$/]);
});

test("a table that is still being created", async () => {
  const Table = {
    TableName: table,
    TableStatus: "CREATING",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  };
  spoil({ DescribeTable: answer({ Table }) });
  expectTroubles(await findingsOf({ table }), [/^warning table: .* is CREATING/]);
});

test("a table with replicas, whose last writer wins or which are consistent", async () => {
  const Table = {
    TableName: table,
    TableStatus: "ACTIVE",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    Replicas: [{ RegionName: "eu-west-1" }, { RegionName: "us-west-2" }],
  };
  spoil({ DescribeTable: answer({ Table }) });
  expectTroubles(await findingsOf({ table }), [
    /^warning replicas: .*eu-west-1, us-west-2, eventually .*last writer wins/,
  ]);
  spoil({ DescribeTable: answer({ Table: { ...Table, MultiRegionConsistency: "STRONG" } }) });
  const strong = await findingsOf({ table });
  expectTroubles(strong, []);
  assert.ok(strong.some((line) => /^ok replicas: .*strongly consistent/.test(line)));
});

test("a page in DynamoDB's place is not taken for it", async () => {
  for (const contentType of ["text/html", "application/json"]) {
    spoil({ ListTables: { kind: "answer", status: 200, body: { TableNames: [] }, contentType } });
    expectTroubles(await findingsOf({ table }), [/^failure endpoint: .*not as DynamoDB does/]);
  }
});

/** Runs with some of the variables of the AWS SDK. */
async function withVariables<T>(variables: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = before[name];
      }
    }
  }
}

/** What is found where STS gives one answer, and how often it was asked. */
async function findingsBeside(sts: { status: number; xml: string }, clock?: () => number) {
  let asked = 0;
  const server = createHttpServer((_, response) => {
    asked++;
    response.writeHead(sts.status, { "content-type": "text/xml", connection: "close" }).end(sts.xml);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const findings = await withVariables({ AWS_ENDPOINT_URL_STS }, () => findingsOf({ table }, clock));
  server.close();
  return { findings, asked };
}

function stsError(code: string, message: string): string {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}</ErrorResponse>`;
}

const expiredSignature = {
  status: 403,
  xml: stsError(
    "SignatureDoesNotMatch",
    "Signature expired: 20261123T080357Z is now earlier than 20261123T080857Z (20261123T081357Z - 5 min.)",
  ),
};

test("who the credentials are, and that AWS does not know them", async () => {
  const arn = "arn:aws:iam::123456789012:user/alice";
  const xml = `<GetCallerIdentityResult><Arn>${arn}</Arn><Account>123456789012</Account></GetCallerIdentityResult>`;
  const known = await findingsBeside({ status: 200, xml });
  expectTroubles(known.findings, []);
  assert.ok(known.findings.includes(`ok identity: ${arn}`), known.findings.join("\n"));
  for (const code of ["InvalidClientTokenId", "SignatureDoesNotMatch"]) {
    const { findings } = await findingsBeside({ status: 403, xml: stsError(code, "planted-message") });
    expectTroubles(findings, [new RegExp(`^failure identity: AWS rejects the credentials as invalid \\(${code}\\)$`)]);
    assert.not.match(findings.join("\n"), "planted");
  }
  const failing = await findingsBeside({ status: 503, xml: stsError("ServiceUnavailable", "planted-message") });
  expectTroubles(failing.findings, []);
});

test("a clock that is off is not taken for wrong credentials", async () => {
  const far = await findingsBeside(expiredSignature, () => Date.now() - 600_000);
  expectTroubles(far.findings, [/^failure clock: it is (59[5-9]|60[0-5]) s behind/]);
  assert.ok(far.findings.some((finding) => /^skipped identity: not checked: the clock is too far off/.test(finding)));
  assert.is(far.asked, 0);
  const near = await findingsBeside(expiredSignature);
  expectTroubles(near.findings, [
    /^failure identity: refused for the time in its signature \(SignatureDoesNotMatch\)$/,
  ]);
  assert.is(near.asked, 1);
});

test("AWS is not asked who the credentials of another engine are, however it is named", async () => {
  for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"]) {
    const findings = await withVariables({ [name]: proxy.endpoint }, () => findingsOf({ table, endpoint: undefined }));
    expectTroubles(findings, []);
    assert.ok(findings.includes(`ok endpoint: ${proxy.endpoint} answers`), findings.join("\n"));
    assert.not.match(findings.join("\n"), "identity");
  }
});

test("an AWS_ENDPOINT_URL_STS that is none", async () => {
  for (const AWS_ENDPOINT_URL_STS of ["foo", "localhost:5000"]) {
    const findings = await withVariables({ AWS_ENDPOINT_URL_STS }, () => findingsOf({ table }));
    expectTroubles(findings, [/^warning identity: cannot be asked for: AWS_ENDPOINT_URL_STS is not an http/]);
    assert.ok(findings.includes("ok right dynamodb:GetItem: allowed"));
  }
});

test("an endpoint that does not answer, and one that is no DynamoDB", async () => {
  proxy.outage(true);
  expectTroubles(await findingsOf({ table }), [/^failure endpoint: .* does not answer \(/]);
  const web = createHttpServer((_, response) => response.writeHead(404).end("<html>planted</html>"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const findings = await findingsOf({ table, endpoint });
  web.close();
  web.closeAllConnections();
  expectTroubles(findings, [/^failure endpoint: .* answers with HTTP status 404, and not as DynamoDB does$/]);
});

test("an endpoint on a port that browsers refuse", async () => {
  const sockets: Socket[] = [];
  const relay = createRelay((socket) => {
    const onwards = connect({ host: "127.0.0.1", port: Number(new URL(proxy.endpoint).port) });
    sockets.push(socket, onwards);
    for (const [from, to] of [
      [socket, onwards],
      [onwards, socket],
    ] as const) {
      from.on("error", () => to.destroy()).pipe(to);
    }
  });
  const port = await listenOnOneOf(relay, [6000, 10_080, 6566, 5061]);
  const findings = await findingsOf({ table, endpoint: `http://127.0.0.1:${port}` });
  relay.close();
  for (const socket of sockets) {
    socket.destroy();
  }
  expectTroubles(findings, []);
  assert.ok(findings.includes(`ok endpoint: http://127.0.0.1:${port} answers`), findings.join("\n"));
});

/** The first of the ports that is free. */
async function listenOnOneOf(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      return port;
    } catch {
      // Another program has it.
    }
  }
  throw new Error(`none of ${ports.join(", ")} is free`);
}

test("the folder of the embedded engine, which is neither made nor opened", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-doctor-"));
  const file = join(folder, "file");
  await writeFile(file, "");
  const findings = (data: string) => findingsOf({ data, ...embedded });
  try {
    for (const data of [file, join(file, "below"), join(file, "far", "below")]) {
      expectTroubles(await findings(data), [/^failure data: '.*' is a file, or lies below one$/]);
    }
    const missing = join(folder, "one", "two");
    for (const [data, detail] of [
      [folder, `in the folder '${folder}'`],
      [missing, `the server will create '${missing}'`],
      ["memory", "in memory, and gone when the server ends"],
    ] as const) {
      const found = await findings(data);
      expectTroubles(found, []);
      assert.ok(found.includes(`ok data: ${detail}`), found.join("\n"));
    }
    // The superuser may write everywhere.
    if (process.getuid?.() !== 0) {
      await chmod(folder, 0o500);
      for (const data of [folder, missing]) {
        expectTroubles(await findings(data), [/^failure data: '.*' may not be read and written by this user$/]);
      }
      await chmod(folder, 0o700);
    }
    assert.equal(await readdir(folder), ["file"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an address to listen on that is free, in use, or not to be had", async () => {
  const taken = createRelay();
  const listening = (listen: string) => findingsOf({ listen, data: "memory", ...embedded });
  // An address of its own: a port of 127.0.0.1 that is given up may be anybody's next one.
  taken.listen(0, "127.0.0.9");
  await once(taken, "listening");
  const address = `127.0.0.9:${(taken.address() as AddressInfo).port}`;
  expectTroubles(await listening(address), [/^warning listen: 127\.0\.0\.9:\d+ is in use: by a running dynakv\?$/]);
  expectTroubles(await findingsOf({ adminListen: address, data: "memory", ...embedded }), [
    /^warning adminListen: .* in use/,
  ]);
  taken.close();
  await once(taken, "close");
  // It is left free as well.
  for (let times = 0; times < 2; times++) {
    assert.ok((await listening(address)).includes(`ok listen: ${address} is free`));
  }
  assert.ok((await listening("127.0.0.1:0")).includes("ok listen: a free port of 127.0.0.1"));
  // Kept for documentation: no machine has it.
  const elsewhere = await findingsOf({
    listen: "192.0.2.1:50051",
    allowAnyoneOnTheNetwork: true,
    data: "memory",
    ...embedded,
  });
  expectTroubles(elsewhere, [/^failure listen: cannot listen on 192\.0\.2\.1:50051: no such address on this machine$/]);
});

test("the URL of the keys of JWTs, which is asked once", async () => {
  let keys: unknown;
  let asked = 0;
  const issuer = createHttpServer((_, response) => {
    asked++;
    response.writeHead(keys === undefined ? 404 : 200, { connection: "close" }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
  const given = { jwks, jwtIssuer: "https://login.example.com", jwtAudience: "dynakv", data: "memory", ...embedded };
  const publicKey = (type: "ec" | "x25519") => {
    const pair = type === "ec" ? generateKeyPairSync(type, { namedCurve: "P-256" }) : generateKeyPairSync(type);
    return pair.publicKey.export({ format: "jwk" });
  };
  try {
    keys = [publicKey("ec")];
    const well = await findingsOf(given);
    expectTroubles(well, []);
    assert.ok(well.includes("ok jwks: holds 1"), well.join("\n"));
    assert.is(asked, 1);
    keys = [{ ...publicKey("ec"), kid: "1" }, publicKey("x25519")];
    assert.ok((await findingsOf(given)).includes("ok jwks: holds 2, 1 of which can check a JWT"));
    for (const [answered, found] of [
      [[publicKey("x25519")], /^warning jwks: holds 1, and none that can check a JWT/],
      [[{ ...publicKey("ec"), use: "enc" }], /^warning jwks: holds 1, and none that can check a JWT/],
      [[], /^warning jwks: the URL's answer: keys: is empty: callers with JWTs are refused/],
      [undefined, /^warning jwks: the URL returned HTTP 404: callers with JWTs are refused/],
    ] as const) {
      keys = answered;
      expectTroubles(await findingsOf(given), [found]);
    }
  } finally {
    issuer.close();
  }
  expectTroubles(await findingsOf(given), [/^warning jwks: cannot connect to the URL \(ECONNREFUSED\): callers/]);
});

test("docs/aws.md has the policy that the doctor prints", () => {
  const { settings } = completeSettings({ region: "eu-central-1", table: "my-table" });
  const address = { region: "eu-central-1", account: "123456789012", table: "my-table", exists: true };
  const policy = JSON.stringify(leastPolicy(settings, address), null, 2);
  assert.ok(readFileSync("docs/aws.md", "utf8").includes(policy), policy);
});

test("the command tells it to people and to programs, and its exit code says whether all is well", async () => {
  const at = [
    ...["--listen", "127.0.0.1:0", "--endpoint", engine.endpoint, "--region", engine.region],
    ...["--access-key-id", engine.accessKeyId],
  ];
  const environment = { DYNAKV_SECRET_ACCESS_KEY: engine.secretAccessKey, DYNAKV_SESSION_TOKEN: secret };
  const run = (args: readonly string[]) => spawnCli(["doctor", ...at, ...args], environment);
  const runs = [
    run(["--table", table]),
    run(["--table", "missing", "--no-create-table", "--json"]),
    run(["--tabel", "x"]),
  ];
  const codes = await Promise.all(runs.map(({ exit }) => exit));
  const [well, ill, wrong] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]];
  assert.equal(codes, [0, 1, 2]);
  assert.match(well.stdout(), /^ok {7}table +'.*' is ACTIVE, with some \d+ items$/m);
  assert.match(well.stdout(), /"dynamodb:GetItem"/);
  const { findings, policy } = JSON.parse(ill.stdout());
  assert.ok(findings.some(({ level, subject }: Record<string, string>) => level === "failure" && subject === "table"));
  assert.ok(policy.Statement[0].Action.includes("dynamodb:UpdateItem"));
  assert.match(wrong.stderr(), "unknown flag --tabel; did you mean --table?");
  for (const { stdout, stderr } of runs) {
    assert.not.match(stdout() + stderr(), secret);
    assert.not.match(stdout(), "planted-");
  }
});

test("the flag for programs is written as other flags are, and a slip of it is told", async () => {
  const run = (...args: string[]) => spawnCli(["doctor", "--data", "memory", "--listen", "127.0.0.1:0", ...args]);
  const slips: readonly (readonly [string, string])[] = [
    ["--jso", "unknown flag --jso; did you mean --json?"],
    ["--json=yes", "--json: is written as --json, --json=true or --json=false"],
    ["--nonsense", "unknown flag --nonsense\n"],
  ];
  const [json, text, ...wrong] = [run("--json=true"), run("--json=false"), ...slips.map(([flag]) => run(flag))];
  assert.is(await json?.exit, 0);
  assert.ok(Array.isArray(JSON.parse(json?.stdout() ?? "").findings));
  assert.is(await text?.exit, 0);
  assert.match(text?.stdout() ?? "", /^ok +backend /m);
  for (const [index, [, message]] of slips.entries()) {
    assert.is(await wrong[index]?.exit, 2);
    assert.match(wrong[index]?.stderr() ?? "", message);
  }
});

test("a server tells at its start what it lacks, and serves all the same", async () => {
  spoil({ DeleteItem: denied("AccessDeniedException") });
  const environment = { DYNAKV_ACCESS_KEY_ID: engine.accessKeyId, DYNAKV_SECRET_ACCESS_KEY: engine.secretAccessKey };
  const at = ["--endpoint", proxy.endpoint, "--region", engine.region, "--table", table];
  const server = await spawnServer(at, environment);
  await waitUntil("it is logged", () => server.stderr().includes("denied"));
  const lines = server.stderr().trim().split("\n");
  const findings = lines.map((line) => JSON.parse(line)).filter(({ subject }) => subject !== undefined);
  assert.equal(
    findings.map(({ level, subject, msg }) => [level, subject, msg]),
    [[50, "right dynamodb:DeleteItem", "denied: without it, Delete fails"]],
  );
  server.process.kill("SIGTERM");
  assert.is(await server.exit, 0);
});

test.run();
