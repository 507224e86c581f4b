import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { SignatureV4 } from "@smithy/signature-v4";
import * as assert from "uvu/assert";
import { classifyError } from "../../../src/store/dynamodb/aws-errors.js";
import type { DataPlane } from "../../../src/store/dynamodb/data-plane.js";
import { createDynamoDBClient } from "../../../src/store/dynamodb/dynamodb-client.js";
import { createLeanDataPlane, type LeanDataPlane } from "../../../src/store/dynamodb/lean-data-plane.js";
import { createSdkDataPlane } from "../../../src/store/dynamodb/sdk-data-plane.js";
import { sdkSource } from "../../../src/store/dynamodb/signing-target.js";
import { timeouts } from "../../../src/store/dynamodb/timeouts.js";
import { withoutRetries } from "../../../src/store/dynamodb/without-retries.js";
import { comparable } from "../../support/comparable.js";
import { errors } from "../../support/odd-errors.js";
import { foreign, framings, item, malformed, type Operation, successes } from "../../support/odd-successes.js";
import { type HttpParts, type RawEndpoint, renderHttp, startRawEndpoint } from "../../support/raw-endpoint.js";
import { Sha256 } from "../../support/sha256.js";
import { suite } from "../../support/suite.js";
import { withItems } from "../../support/with-items.js";

// Whatever comes in DynamoDB's place is understood alike by the lean data plane, by the SDK's, and with a caller's own client.
const test = suite("odd answers");
let endpoint: RawEndpoint;
let client: DynamoDBClient;
let own: DynamoDBClient;
let lean: LeanDataPlane;
let planes: Record<"lean" | "sdk" | "own", DataPlane>;

const credentials = { accessKeyId: "key", secretAccessKey: "secret" };

test.before(async () => {
  endpoint = await startRawEndpoint();
  const at = { endpoint: endpoint.endpoint, region: "us-east-1", credentials };
  client = createDynamoDBClient(at);
  own = new DynamoDBClient(at);
  lean = createLeanDataPlane(sdkSource(client), timeouts);
  planes = { lean, sdk: createSdkDataPlane(client), own: createSdkDataPlane(withoutRetries(own)) };
});

test.after(async () => {
  client.destroy();
  own.destroy();
  await lean.close();
  await endpoint.stop();
});

const { signal } = new AbortController();
const Key = { id: { S: "k" } };

const columns = [
  { name: "id", type: "S" },
  { name: "b", type: "B" },
  { name: "n", type: "N" },
] as const;

const operations = {
  GetItem: (plane) => plane.getItem({ TableName: "t", Key }, signal),
  BatchGetItem: (plane) => plane.batchGetItem({ RequestItems: { t: { Keys: [Key] } } }, signal),
  BatchGetColumns: (plane) =>
    withItems(plane.batchGetColumns({ RequestItems: { t: { Keys: [Key] } } }, signal, columns)),
  Scan: (plane) => withItems(plane.scan({ TableName: "t" }, signal, columns)),
  PutItem: (plane) => plane.putItem({ TableName: "t", Item: Key }, signal),
  UpdateItem: (plane) => plane.updateItem({ TableName: "t", Key, ReturnValues: "ALL_NEW" }, signal),
  DeleteItem: (plane) => plane.deleteItem({ TableName: "t", Key }, signal),
} satisfies Record<Operation, (plane: DataPlane) => Promise<object>>;
const names = Object.keys(operations) as Operation[];

function outcomesOf(operation: Operation, parts: HttpParts): Promise<Record<keyof typeof planes, unknown>> {
  return outcomesOfBytes(operation, [renderHttp(parts)]);
}

async function outcomesOfBytes(operation: Operation, pieces: readonly Buffer[]) {
  endpoint.answer = () => pieces;
  const outcomes: Record<string, unknown> = {};
  for (const [name, plane] of Object.entries(planes)) {
    outcomes[name] = await operations[operation](plane).then(
      (answer) => comparable({ ...answer, $metadata: undefined }),
      (error) => comparable({ ...classifyError(error), cause: undefined }),
    );
  }
  return outcomes as Record<keyof typeof planes, unknown>;
}

const json = (value: unknown) => JSON.stringify(value);

for (const [name, parts] of Object.entries(foreign)) {
  test(`no success: ${name}`, async () => {
    for (const operation of names) {
      const outcomes = await outcomesOf(operation, parts);
      for (const [plane, outcome] of Object.entries(outcomes)) {
        assert.equal(outcome, { applied: "unknown", kind: "foreign" }, `${operation}, ${plane}`);
      }
    }
  });
}

/** An answer to GetItem as one to the other reads: an item is the same in a list. */
function inLists(body: string): readonly (readonly [Operation, string])[] {
  const item = /^\{\s*"Item":(.*)\}$/s.exec(body)?.[1];
  return item === undefined
    ? []
    : [
        ["Scan", `{"Count":2,"Items":[{"id":{"S":"other"}},${item}],"ScannedCount":2}`],
        ["BatchGetColumns", `{"UnprocessedKeys":{},"Responses":{"t":[${item},{"n":{"N":"1"}}]}}`],
      ];
}

for (const [operation, body] of malformed.flatMap(([operation, body]): (readonly [Operation, unknown])[] => [
  [operation, body],
  ...inLists(json(body)).map(([other, text]) => [other, JSON.parse(text)] as const),
])) {
  test(`no success: ${json(body).slice(0, 200)} to ${operation}`, async () => {
    for (const [plane, outcome] of Object.entries(await outcomesOf(operation, { body: json(body) }))) {
      assert.equal(outcome, { applied: "unknown", kind: "foreign" }, plane);
    }
  });
}

for (const [name, operation, parts] of successes.flatMap((success): (readonly [string, Operation, HttpParts])[] => {
  const [name, , parts] = success;
  const lists = inLists(parts.body?.toString() ?? "");
  return [success, ...lists.map(([other, body]) => [`${name}, to ${other}`, other, { ...parts, body }] as const)];
})) {
  test(`the same success: ${name}`, async () => {
    const { lean: byLean, sdk, own: byOwn } = await outcomesOf(operation, parts);
    assert.equal(byLean, sdk);
    assert.equal(byOwn, sdk);
    assert.not.ok("kind" in (sdk as object), json(sdk));
  });
}

for (const [name, { pieces, isWhole }] of Object.entries(framings)) {
  test(`an answer ${name}: understood alike`, async () => {
    const outcomes = await outcomesOfBytes(
      "GetItem",
      pieces.map((piece) => Buffer.from(piece)),
    );
    assert.equal(outcomes.lean, outcomes.own);
    assert.equal(outcomes.sdk, outcomes.own);
    if (isWhole) {
      assert.equal(outcomes.sdk, { Item: item });
    } else {
      assert.is((outcomes.sdk as { applied?: string }).applied, "unknown");
    }
  });
}

test("a member that nobody knows does no harm: the SDK leaves it out, and nobody reads it in the lean plane's answer", async () => {
  const outcomes = await outcomesOf("GetItem", { body: json({ Item: item, Later: { a: 1 } }) });
  for (const outcome of Object.values(outcomes)) {
    assert.equal((outcome as { Item?: unknown }).Item, item);
  }
});

test("neither does an attribute of a type that nobody knows: the SDK puts it under $unknown, and the lean plane keeps it", async () => {
  const outcomes = await outcomesOf("GetItem", { body: json({ Item: { ...item, later: { V: "x" } } }) });
  for (const outcome of Object.values(outcomes)) {
    const { later, ...rest } = (outcome as { Item: Record<string, unknown> }).Item;
    assert.equal(rest, item);
    assert.ok(later);
  }
});

test("every error is understood alike", async () => {
  const differences: string[] = [];
  for (const parts of errors) {
    for (const operation of ["GetItem", "PutItem"] as const) {
      const { lean: byLean, sdk, own: byOwn } = await outcomesOf(operation, parts);
      for (const [plane, outcome] of [
        ["lean", byLean],
        ["own", byOwn],
      ] as const) {
        if (json(outcome) !== json(sdk) && !isNamed(parts)) {
          differences.push(`${operation} ${json(parts)}: ${plane} ${json(outcome)}, sdk ${json(sdk)}`);
        }
      }
      if (!("kind" in (byLean as object))) {
        differences.push(`${operation} ${json(parts)} is a success`);
      }
    }
  }
  assert.equal(differences, []);
});

/** Where the planes may differ, and why. */
const namedDifferences: readonly (readonly [(parts: HttpParts) => boolean, string])[] = [
  [
    ({ body }) => body === '{"__type":["ThrottlingException"]}',
    "a list is no name, and the SDK makes it one by chance",
  ],
];

function isNamed(parts: HttpParts): boolean {
  return namedDifferences.some(([matches]) => matches(parts));
}

for (const path of [
  ..."/ /kv /kv/ /a/b/ /a%20b /%C3%BC /ü /a:b@c /~x /a+b=c /a;b,c /(x)!*' /a%2Fb /$x&y /a/../b /./a /%7Ex /a%25b".split(
    " ",
  ),
  "",
]) {
  test(`an endpoint with the path ${json(path)} is asked and signed for alike`, async () => {
    const at = { endpoint: `${endpoint.endpoint}${path}`, region: "us-east-1", credentials };
    const onPath = createDynamoDBClient(at);
    const leanOnPath = createLeanDataPlane(sdkSource(onPath), timeouts);
    endpoint.answer = () => renderHttp({});
    endpoint.requests.length = 0;
    await leanOnPath.getItem({ TableName: "t", Key }, signal);
    await createSdkDataPlane(onPath).getItem({ TableName: "t", Key }, signal);
    onPath.destroy();
    await leanOnPath.close();
    const [byLean, bySdk] = endpoint.requests.map(({ head, body }) => ({ ...parseHead(head), body }));
    assert.is(byLean?.path, bySdk?.path);
    for (const request of [byLean, bySdk]) {
      assert.is(request?.headers.authorization, await signAgain(request as SentRequest));
    }
  });
}

interface SentRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

function parseHead(head: string): Omit<SentRequest, "body"> {
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(":")).toLowerCase(),
    line.slice(line.indexOf(":") + 1).trim(),
  ]);
  return { path: first.split(" ")[1] ?? "", headers: Object.fromEntries(headers) };
}

/** What AWS's own library signs a request with. */
async function signAgain({ path, headers: all, body }: SentRequest): Promise<string | undefined> {
  const signer = new SignatureV4({
    region: "us-east-1",
    service: "dynamodb",
    sha256: Sha256,
    applyChecksum: false,
    credentials,
  });
  const names = /SignedHeaders=([^,]+)/.exec(all.authorization ?? "")?.[1]?.split(";") ?? [];
  const headers = Object.fromEntries(names.map((name) => [name, all[name] ?? ""]));
  const signingDate = new Date((all["x-amz-date"] ?? "").replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
  const request = { method: "POST", protocol: "http:", hostname: "", path, query: {}, headers, body };
  return (await signer.sign(request, { signingDate })).headers.authorization;
}

test("set-up takes no answer for its own that is not", async () => {
  const table = { TableName: "t" };
  const commands = [
    new DescribeTableCommand(table),
    new CreateTableCommand({ ...table, KeySchema: [], AttributeDefinitions: [] }),
    new DescribeTimeToLiveCommand(table),
    new UpdateTimeToLiveCommand({ ...table, TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" } }),
  ];
  for (const sending of [client, withoutRetries(own)]) {
    for (const command of commands) {
      for (const parts of [...Object.values(foreign), {}, { body: '{"Table":null}' }, { body: '{"Table":5}' }]) {
        endpoint.answer = () => renderHttp(parts);
        const outcome = await sending.send(command as DescribeTableCommand).then(
          () => "a success",
          (error: unknown) => classifyError(error).kind,
        );
        assert.is(outcome, "foreign", `${command.constructor.name}, ${json(parts)}`);
      }
    }
  }
});

test.run();
