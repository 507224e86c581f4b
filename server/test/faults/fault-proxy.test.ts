import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  type KeysAndAttributes,
} from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import {
  type Fault,
  internalServerError,
  serviceUnavailable,
  type ThrottlingError,
  throttling,
  throttlingReasons,
} from "../../src/faults/index.js";
import { type FaultyTable, sdkFailureOf, startFaultyTable } from "../support/faulty-table.js";
import { suite } from "../support/suite.js";

const test = suite("fault proxy: the faults");
let faulty: FaultyTable;

test.before(async () => {
  faulty = await startFaultyTable();
});

test.before.each(() => faulty.reset());

test.after(() => faulty.stop());

const hour = 3_600_000;

/** What each fault does to an increment: whether it is applied, and the error that the client sees. */
const cases: { fault: Fault; applied: boolean; error?: string; status?: number }[] = [
  { fault: "forward", applied: true },
  // The SDK's name for a connection that was reset.
  { fault: "lose-answer", applied: true, error: "TimeoutError" },
  { fault: "refuse", applied: false, error: "TimeoutError" },
  { fault: "cut-answer", applied: true, error: "Error" },
  { fault: "broken-json", applied: true, error: "SyntaxError" },
  { fault: internalServerError(), applied: false, error: "InternalServerError", status: 500 },
  { fault: internalServerError({ applied: true }), applied: true, error: "InternalServerError", status: 500 },
  { fault: serviceUnavailable(), applied: false, error: "ServiceUnavailable", status: 503 },
  { fault: serviceUnavailable({ applied: true }), applied: true, error: "ServiceUnavailable", status: 503 },
  { fault: { kind: "clock-jump", byMs: hour }, applied: false, error: "InvalidSignatureException", status: 400 },
  { fault: { kind: "clock-jump", byMs: -hour }, applied: false, error: "InvalidSignatureException", status: 400 },
  { fault: { kind: "clock-jump", byMs: 60_000 }, applied: true },
  { fault: { kind: "delay", beforeMs: 5, afterMs: 5 }, applied: true },
];

for (const { fault, applied, error, status } of cases) {
  const kind = typeof fault === "string" ? fault : fault.kind;
  const key = JSON.stringify(fault);
  test(`${key.slice(0, 60)}: ${applied ? "" : "not "}applied, and the client sees ${error ?? "the answer"}`, async () => {
    faulty.proxy.failNext("UpdateItem", 1, fault);
    if (error === undefined) {
      assert.is(await faulty.increment(key), 1);
    } else {
      const failure = await sdkFailureOf(faulty.increment(key));
      assert.is(failure.name, error);
      assert.ok(status === undefined || failure.status === status);
    }
    assert.is(await faulty.stored(key), applied ? 1 : 0);
    assert.equal(
      faulty.proxy.log.map((entry) => [entry.operation, entry.n, entry.fault]),
      kind === "forward" ? [] : [["UpdateItem", 1, kind]],
    );
    assert.is(await faulty.increment(key), applied ? 2 : 1, "the next one is left alone");
    assert.is(faulty.proxy.requests.get("UpdateItem"), 2);
  });
}

test("empty answers: applied, and the client sees nothing", async () => {
  for (const [index, fault] of (["empty-object", "empty-body"] as const).entries()) {
    faulty.proxy.failNext("UpdateItem", 1, fault);
    assert.ok(Number.isNaN(await faulty.increment("empty")), "no attributes");
    assert.is(await faulty.stored("empty"), index + 1);
  }
});

test("every throttling error carries every reason as the SDK reads it, and nothing is applied", async () => {
  assert.is(new Set(throttlingReasons).size, 16);
  const names: ThrottlingError[] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
  ];
  for (const error of names) {
    const fault = throttling(throttlingReasons, { error, resource: "arn" });
    faulty.proxy.failNext("UpdateItem", 1, fault);
    const failure = await sdkFailureOf(faulty.increment("throttled"));
    assert.equal([failure.name, failure.status], [error, 400]);
    assert.equal(
      failure.reasons,
      throttlingReasons.map((reason) => ({ reason, resource: "arn" })),
    );
  }
  assert.equal(faulty.proxy.log.at(-1), {
    operation: "UpdateItem",
    n: 3,
    fault: "answer",
    error: "RequestLimitExceeded",
  });
  assert.is(await faulty.stored("throttled"), 0);
});

test("a clock that is ahead or behind says so, and a client that corrects its clock is let in", async () => {
  faulty.proxy.decide = () => ({ kind: "clock-jump", byMs: hour });
  assert.match(
    (await sdkFailureOf(faulty.increment("clock"))).message,
    /^Signature expired: .* \(\d{8}T\d{6}Z - 5 min\.\)$/,
  );
  assert.is(await faulty.increment("clock"), 1, "the SDK has taken the time from the answer's Date");
  faulty.proxy.decide = () => ({ kind: "clock-jump", byMs: -hour });
  assert.match((await sdkFailureOf(faulty.increment("clock"))).message, "Signature not yet current: ");
});

/** Asks for keys until none is left, and returns how many there were to ask for each time, and the ids that came. */
async function getAll(ids: string[]): Promise<{ asked: number[]; found: (string | undefined)[] }> {
  const asked: number[] = [];
  const found: (string | undefined)[] = [];
  let left: Record<string, KeysAndAttributes> | undefined = {
    [faulty.table]: { Keys: ids.map((id) => ({ id: { S: id } })), ConsistentRead: true, ProjectionExpression: "id" },
  };
  while (left?.[faulty.table] !== undefined) {
    const { Keys, ...others } = left[faulty.table] as KeysAndAttributes;
    assert.equal(
      others,
      { ConsistentRead: true, ProjectionExpression: "id" },
      "UnprocessedKeys has the request's shape",
    );
    asked.push(Keys?.length ?? 0);
    const command: BatchGetItemCommand = new BatchGetItemCommand({ RequestItems: left });
    const { Responses, UnprocessedKeys } = await faulty.client.send(command);
    assert.ok(Responses?.[faulty.table], "an answer names its table");
    found.push(...(Responses[faulty.table] ?? []).map(({ id }) => id?.S));
    left = UnprocessedKeys;
  }
  return { asked, found };
}

test("unprocessed: a share of the keys is left, or all, and the others are answered", async () => {
  const ids = Array.from({ length: 10 }, (_, n) => `batch-${n}`);
  const writes = ids.map((id) => ({ PutRequest: { Item: { id: { S: id } } } }));
  faulty.proxy.failNext("BatchWriteItem", 1, { kind: "unprocessed", share: 0.25 });
  const first = await faulty.client.send(new BatchWriteItemCommand({ RequestItems: { [faulty.table]: writes } }));
  assert.equal(first.UnprocessedItems, { [faulty.table]: writes.slice(7) });
  assert.equal((await getAll(ids)).found.sort(), ids.slice(0, 7));
  await faulty.client.send(new BatchWriteItemCommand({ RequestItems: first.UnprocessedItems }));

  faulty.proxy.decide = ({ n }) => ({ kind: "unprocessed", share: n === 2 ? 1 : 0.5 });
  const { asked, found } = await getAll(ids);
  assert.equal(asked, [10, 10, 5, 3, 2, 1]);
  assert.equal(found.sort(), ids);
  faulty.proxy.decide = () => "forward";
  faulty.proxy.failNext("GetItem", 1, { kind: "unprocessed" });
  const get = new GetItemCommand({ TableName: faulty.table, Key: { id: { S: "batch-0" } } });
  assert.ok((await faulty.client.send(get)).Item, "other operations are forwarded");
  assert.not(faulty.proxy.log.some(({ operation }) => operation === "GetItem"));
});

test("a request and an answer are rewritten by functions", async () => {
  // Some engines put a space after the colon.
  const swap = (from: string, to: string) => (body: Buffer) =>
    Buffer.from(body.toString().replaceAll(new RegExp(`"N": ?"${from}"`, "g"), `"N":"${to}"`));
  faulty.proxy.failNext("UpdateItem", 1, {
    kind: "rewrite",
    request: swap("1", "40"),
    answer: swap("40", "42000"),
  });
  assert.is(await faulty.increment("rewritten"), 42_000);
  assert.is(await faulty.stored("rewritten"), 40);
});

test.run();
