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
} satisfies Record<string, (plane: DataPlane) => Promise<object>>;
type Operation = keyof typeof operations;
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
const item = { id: { S: "k" }, n: { N: "5" } };

/** Successes that are not DynamoDB's, to whichever operation. */
const foreign: Record<string, HttpParts> = {
  "a maintenance page in JSON": { type: "application/json", body: '{"status":"maintenance"}' },
  "the same under DynamoDB's content type": { body: '{"status":"maintenance"}' },
  "a page of HTML": { type: "text/html", body: "<html>Welcome</html>" },
  "HTML under DynamoDB's content type": { body: "<html>Welcome</html>" },
  "an empty object in plain JSON": { type: "application/json" },
  "an empty object in the JSON of another protocol": { type: "application/x-amz-json-1.1" },
  "an empty object without a content type": { type: undefined },
  "no body": { body: "" },
  "no body and no content type": { type: undefined, body: "" },
  "white space": { body: " \n" },
  "a 201": { status: 201 },
  "a 202": { status: 202 },
  "a 204": { status: 204 },
  "a 206": { status: 206 },
  "a list": { body: "[]" },
  "a null": { body: "null" },
  "a text": { body: '"ok"' },
  "a number": { body: "0" },
  "half of an object": { body: '{"Item":{"id"' },
  "an error's body": { body: json({ __type: "a#InternalServerError", message: "no" }) },
  "a byte order mark": { body: `\ufeff${json({ Item: item })}` },
  "the answer to another operation": { body: json({ TableNames: ["t"] }) },
};

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

/** Bodies whose form is not that of the operation. */
const malformed: readonly (readonly [Operation, unknown])[] = [
  ["GetItem", { Item: null }],
  ["GetItem", { Item: [] }],
  ["GetItem", { Item: "k" }],
  ["GetItem", { Item: { id: "k" } }],
  ["GetItem", { Item: { id: null } }],
  ["GetItem", { Item: { id: {} } }],
  ["GetItem", { Item: { id: { S: 5 } } }],
  ["GetItem", { Item: { id: { S: null } } }],
  ["GetItem", { Item: { id: { S: "a", N: "1" } } }],
  ["GetItem", { Item: { n: { N: 5 } } }],
  ["GetItem", { Item: { n: { N: null } } }],
  ["GetItem", { Item: { b: { B: 0 } } }],
  ["GetItem", { Item: { b: { B: "AAAA" }, c: { B: 0 } } }],
  ["GetItem", { Item: { b: { B: "A" } } }],
  ["GetItem", { Item: { b: { B: "A===" } } }],
  ["GetItem", { Item: { b: { B: "?no!" } } }],
  ["GetItem", { Item: { b: { B: "A-_A" } } }],
  ["GetItem", { Item: { b: { B: "AA=A" } } }],
  ["GetItem", { Item: { b: { B: `${"A".repeat(32_766)}==${"A".repeat(32_768)}` } } }],
  ["GetItem", { Item: { b: { B: `${"A".repeat(65_536)}-_-_` } } }],
  ["GetItem", { Item: { b: { BOOL: "true" } } }],
  ["GetItem", { Item: { b: { SS: "a" } } }],
  ["GetItem", { Item: { b: { SS: [1] } } }],
  ["GetItem", { Item: { b: { BS: ["?"] } } }],
  ["GetItem", { Item: { b: { L: {} } } }],
  ["GetItem", { Item: { b: { L: [null] } } }],
  ["GetItem", { Item: { b: { M: [] } } }],
  ["GetItem", { Item: { b: { M: { c: 1 } } } }],
  ["PutItem", { Attributes: { id: 1 } }],
  ["UpdateItem", {}],
  ["UpdateItem", { Attributes: null }],
  ["UpdateItem", { Attributes: [] }],
  ["UpdateItem", { ConsumedCapacity: { TableName: "t", CapacityUnits: 1 } }],
  ["DeleteItem", { Attributes: "none" }],
  ["BatchGetItem", {}],
  ["BatchGetItem", { UnprocessedKeys: {} }],
  ["BatchGetItem", { Responses: null }],
  ["BatchGetItem", { Responses: [] }],
  ["BatchGetItem", { Responses: {} }],
  ["BatchGetItem", { Responses: { other: [] } }],
  ["BatchGetItem", { Responses: { t: null } }],
  ["BatchGetItem", { Responses: { t: {} } }],
  ["BatchGetItem", { Responses: { t: [null] } }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: "all" }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: { t: { Keys: "all" } } }],
  ["BatchGetItem", { Responses: { t: [] }, UnprocessedKeys: { t: null } }],
  ["Scan", {}],
  ["Scan", { Count: 0, ScannedCount: 0 }],
  ["Scan", { Items: {} }],
  ["Scan", { Items: [1] }],
  ["Scan", { Items: [], LastEvaluatedKey: "k" }],
];

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

/** Successes that look odd, and are ones. */
const successes: readonly (readonly [string, Operation, HttpParts])[] = [
  ["a missing item", "GetItem", {}],
  ["an item without attributes", "GetItem", { body: '{"Item":{}}' }],
  ["white space in the JSON", "GetItem", { body: JSON.stringify({ Item: item }, undefined, 2) }],
  ["a content type with a parameter", "GetItem", { type: "application/x-amz-json-1.0; charset=utf-8" }],
  ["a content type in capitals", "GetItem", { type: "Application/X-AMZ-JSON-1.0", body: json({ Item: item }) }],
  ["escaped names", "GetItem", { body: '{"\\u0049tem":{"\\u0069d":{"\\u0053":"k"}}}' }],
  ["a name twice", "GetItem", { body: '{"Item":{"id":{"S":"a"},"id":{"S":"b"}}}' }],
  ["large bytes", "GetItem", { body: json({ Item: { b: { B: Buffer.alloc(100_001, "bytes").toString("base64") } } }) }],
  [
    "large bytes with an escape at their end",
    "GetItem",
    { body: `{"Item":{"b":{"B":"${Buffer.alloc(99_999, 255).toString("base64").replace(/.$/, "\\/")}"}}}` },
  ],
  ["bytes twice", "GetItem", { body: '{"Item":{"b":{"B":"AAAA"},"b":{"B":"AQID"}}}' }],
  ["escaped bytes beside plain ones", "GetItem", { body: '{"Item":{"a":{"B":"\\u0041AAA"},"b":{"B":"AQID"}}}' }],
  ["empty bytes", "GetItem", { body: '{"Item":{"b":{"B":""}}}' }],
  ["a text like bytes", "GetItem", { body: json({ Item: { s: { S: '"B":"AAAA"' } } }) }],
  ["half a surrogate pair", "GetItem", { body: '{"Item":{"s":{"S":"\\ud800"}}}' }],
  ...["5", "-0", "+5", "1E+2", "1e2", "05", "5.0", " 5", "1e400", "NaN", "9007199254740993", ""].map(
    (N) => [`the number ${json(N)}`, "GetItem", { body: json({ Item: { n: { N } } }) }] as const,
  ),
  ["a batch of nothing", "BatchGetItem", { body: '{"Responses":{"t":[]},"UnprocessedKeys":{}}' }],
  ["a batch without word of the rest", "BatchGetItem", { body: json({ Responses: { t: [item] } }) }],
  ["a batch with another table", "BatchGetItem", { body: json({ Responses: { t: [], u: [item] } }) }],
  [
    "a batch of which some is left",
    "BatchGetItem",
    { body: json({ Responses: { t: [] }, UnprocessedKeys: { t: { Keys: [{ id: { B: "AAAA" } }] } } }) },
  ],
  ["a scan of nothing", "Scan", { body: '{"Items":[],"Count":0,"ScannedCount":9}' }],
  ["a page of a scan", "Scan", { body: json({ Items: [item], Count: 1, LastEvaluatedKey: { id: { B: "AAAA" } } }) }],
  ["consumed capacity", "PutItem", { body: json({ ConsumedCapacity: { TableName: "t", CapacityUnits: 1 } }) }],
  ["an interim 100", "GetItem", { before: "HTTP/1.1 100 Continue\r\n\r\n", body: json({ Item: item }) }],
  [
    "two interim 100s and a 103",
    "PutItem",
    {
      before:
        "HTTP/1.1 100 Continue\r\nvia: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-type: text/html\r\n\r\n",
    },
  ],
  ["an interim 102", "GetItem", { before: "HTTP/1.1 102 Processing\r\n\r\n", body: json({ Item: item }) }],
];

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

const whole = json({ Item: item });
const head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n";
/** Answers by how they are framed, in the pieces in which they come. */
const framings: Record<string, { pieces: readonly string[]; isWhole: boolean }> = {
  "in chunks": {
    pieces: [
      `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${whole.slice(0, 5)}\r\n`,
      `${(whole.length - 5).toString(16)}\r\n`,
    ].concat([`${whole.slice(5)}\r\n0\r\n\r\n`]),
    isWhole: true,
  },
  "up to the end of the connection": { pieces: [`${head}Connection: close\r\n\r\n${whole}`], isWhole: true },
  "by HTTP/1.0": {
    pieces: [`${head.replace("1.1", "1.0")}Connection: close\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`],
    isWhole: true,
  },
  "a byte at a time, after a 100 in pieces": {
    pieces: [
      "HTTP/1.1 100 Con",
      "tinue\r\n",
      "\r\n",
      head,
      `Content-Length: ${whole.length}\r\n\r\n`,
      ...whole.slice(0, 4),
    ].concat([whole.slice(4)]),
    isWhole: true,
  },
  "in half, up to the end of the connection": {
    pieces: [`${head}Connection: close\r\n\r\n${whole.slice(0, 9)}`],
    isWhole: false,
  },
  "shorter than it says": {
    pieces: [`${head}Connection: close\r\nContent-Length: 999\r\n\r\n${whole}`],
    isWhole: false,
  },
  "in chunks without an end": {
    pieces: [
      `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${whole.length.toString(16)}\r\n${whole}\r\n`,
    ],
    isWhole: false,
  },
  "that is no HTTP": { pieces: ["SSH-2.0-OpenSSH_9.9\r\nConnection: close\r\n"], isWhole: false },
};

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

/** A number as a code, a name in each of its places, and what is no name. */
const codes: readonly HttpParts[] = [
  { body: '{"code":429}' },
  { body: '{"code":"ThrottlingException"}' },
  { body: '{"Code":"ThrottlingException"}' },
  { body: '{"code":null}' },
  { body: '{"code":""}' },
  { body: '{"code":{"a":1}}' },
  { body: '{"__type":null}' },
  { body: '{"__type":5}' },
  { body: '{"__type":""}' },
  { body: '{"__type":["ThrottlingException"]}' },
  { body: '{"__type":"ThrottlingException"}' },
  { body: '{"__type":"a#ThrottlingException"}' },
  { body: '{"__type":"a#ThrottlingException:http://internal/"}' },
  { body: '{"__type":"ThrottlingException,other"}' },
  { body: '{"__type":"a#b#ThrottlingException"}' },
  { body: '{"__type":"a#ValidationException","code":"ThrottlingException"}' },
  { body: "{}", headers: { "x-amzn-ErrorType": "ThrottlingException:http://internal/" } },
  { body: "", headers: { "x-amzn-errortype": "a#ThrottlingException" } },
  { body: '{"__type":"a#ValidationException"}', headers: { "x-amzn-errortype": "ThrottlingException" } },
  { body: '{"__type":"a#ConditionalCheckFailedException","Item":{"id":{"S":"k"},"b":{"B":"AAAA"}}}' },
  { body: '{"__type":"a#ConditionalCheckFailedException"}' },
  { body: '{"__type":"a#ConditionalCheckFailedException","Item":null}' },
  { body: '{"__type":"a#ThrottlingException","throttlingReasons":[{"reason":"TableReadAccountLimitExceeded"}]}' },
  { body: '{"__type":"a#ThrottlingException","throttlingReasons":"none"}' },
  { body: '{"__type":"a#ThrottlingException","ThrottlingReasons":[null,{"reason":5}]}' },
  { body: '{"__type":"a#ValidationException","message":5}' },
  { body: '{"__type":"a#ValidationException","message":"Item size has exceeded the maximum"}' },
  { body: '{"__type":"a#ValidationException","Message":"Item size has exceeded the maximum"}' },
  { body: '{"__type":"a#InvalidSignatureException","message":"Signature expired: …"}' },
  { body: '{"__type":"a#InvalidSignatureException","Message":"Signature not yet current: …"}' },
  { body: "null" },
  { body: "[]" },
  { body: '["a"]' },
  { body: "5" },
  { body: '"ThrottlingException"' },
  { body: "", type: undefined },
  { body: "<html>Bad Request</html>", type: "text/html" },
  { body: '{"__type"' },
  { body: '{"__type":"a#AccessDeniedException"}', type: "text/html" },
];

/** Every name that the SDK knows to be transient, throttling or about the clock, and those that DynamoDB itself has. */
const errorNames = [
  ..."AccessDeniedException AuthFailure BandwidthLimitExceeded ConditionalCheckFailedException EC2ThrottledException".split(
    " ",
  ),
  ..."ExpiredToken ExpiredTokenException IncompleteSignatureException InternalFailure InternalServerError".split(" "),
  ..."InvalidClientTokenId InvalidSignatureException ItemCollectionSizeLimitExceededException".split(" "),
  ..."LimitExceededException MissingAuthenticationTokenException PriorRequestNotComplete".split(" "),
  ..."ProvisionedThroughputExceededException ReplicatedWriteConflictException RequestExpired RequestInTheFuture".split(
    " ",
  ),
  ..."RequestLimitExceeded RequestThrottled RequestThrottledException RequestTimeTooSkewed RequestTimeout".split(" "),
  ..."RequestTimeoutException ResourceInUseException ResourceNotFoundException SerializationException".split(" "),
  ..."ServiceUnavailable ServiceUnavailableException SignatureDoesNotMatch SlowDown ThrottledException Throttling".split(
    " ",
  ),
  ..."ThrottlingException TimeoutError TooManyRequestsException TransactionConflictException".split(" "),
  ..."TransactionInProgressException UnknownOperationException UnrecognizedClientException ValidationException".split(
    " ",
  ),
  "AbortError",
  "toString",
  "__proto__",
];

const errors: readonly HttpParts[] = [
  ...codes.flatMap((parts) => [400, 500].map((status) => ({ status, ...parts }))),
  ...errorNames.flatMap((name) => [400, 503].map((status) => ({ status, body: json({ __type: `a#${name}` }) }))),
  ...[300, 301, 302, 304, 307, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 415, 421, 425, 429, 431]
    .concat([451, 499, 500, 501, 502, 503, 504, 505, 507, 520, 529, 599])
    .flatMap((status) => [
      { status, body: "" },
      { status, type: undefined, body: "" },
      { status, type: "text/html", body: "<html>no</html>" },
      { status, body: json({ __type: "a#ThrottlingException" }) },
    ]),
];

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
