import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import {
  type Fault,
  type FaultLogEntry,
  type FaultRate,
  internalServerError,
  type ProxiedRequest,
  startFaultProxy,
} from "../../src/faults/index.js";
import { createClient, type FaultyTable, sdkFailureOf, startFaultyTable } from "../support/faulty-table.js";
import { sendRaw } from "../support/send-raw.js";
import { suite } from "../support/suite.js";
import { watchUntil } from "../support/wait-until.js";

const test = suite("fault proxy: the choice of faults");
let faulty: FaultyTable;

test.before(async () => {
  faulty = await startFaultyTable();
});

test.before.each(() => faulty.reset());

test.after(() => faulty.stop());

const rates: FaultRate[] = [
  { fault: { kind: "answer", status: 200, body: {} }, rate: 0.3, operations: ["UpdateItem"] },
  { fault: internalServerError(), rate: 0.2 },
  { fault: "refuse", rate: 0.1 },
];

/** Sends requests of operations, one after the other, through a proxy with rates, and returns its log. */
async function run(seed: number | undefined, operations: string[]): Promise<{ log: FaultLogEntry[]; seed: number }> {
  const proxy = await startFaultProxy({
    target: faulty.engine.endpoint,
    rates,
    ...(seed === undefined ? {} : { seed }),
  });
  for (const operation of operations) {
    await sendRaw(proxy.endpoint, { "x-amz-target": `DynamoDB_20120810.${operation}` }, "{}").catch(() => {});
  }
  await proxy.stop();
  return { log: [...proxy.log], seed: proxy.seed };
}

const of = (log: FaultLogEntry[], operation: string) => log.filter((entry) => entry.operation === operation);

test("the same seed gives the same faults, another seed others, and a random seed can be read", async () => {
  const operations = Array.from({ length: 40 }, () => ["UpdateItem", "GetItem"]).flat();
  const { log, seed } = await run(undefined, operations);
  assert.equal((await run(seed, operations)).log, log);
  assert.not.equal((await run(seed + 1, operations)).log, log);
  assert.ok(of(log, "UpdateItem").some(({ fault, error }) => fault === "answer" && error === undefined));
  assert.ok(of(log, "GetItem").every(({ fault, error }) => fault === "refuse" || error === "InternalServerError"));
});

test("the faults of an operation do not depend on what else is asked, or on the order", async () => {
  const updates = Array.from({ length: 40 }, () => "UpdateItem");
  const gets = Array.from({ length: 40 }, () => "GetItem");
  const alone = await run(7, updates);
  assert.ok(alone.log.length > 0);
  assert.equal(of((await run(7, [...gets, ...updates])).log, "UpdateItem"), alone.log);
});

test("a fault is about as frequent as its rate", async () => {
  faulty.proxy.setRates([
    { fault: { kind: "answer", status: 200, body: {} }, rate: 0.25, operations: ["A"] },
    { fault: { kind: "answer", status: 400, body: {} }, rate: 0.25 },
  ]);
  const seen = new Map<number | undefined, number>();
  const send = async () => {
    // What is left over goes to the engine, which refuses it with a body of its own.
    const { status, body } = await sendRaw(faulty.proxy.endpoint, { "x-amz-target": "D.A" }, "{}");
    const kind = body.toString() === "{}" ? status : undefined;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  };
  for (let n = 0; n < 1000; n += 50) {
    await Promise.all(Array.from({ length: 50 }, send));
  }
  // The seed is random: 150 is more than seven deviations away from 250 of 1000.
  for (const status of [200, 400]) {
    const count = seen.get(status) ?? 0;
    assert.ok(count > 150 && count < 350, `${count} times ${status} with seed ${faulty.proxy.seed}`);
  }
});

test("decide sees the operation, its number and its body, and comes after failNext and before the rates", async () => {
  const seen: ProxiedRequest[] = [];
  faulty.proxy.setRates([{ fault: internalServerError(), rate: 1 }]);
  faulty.proxy.failNext("UpdateItem", 1, "refuse");
  faulty.proxy.decide = (request) => {
    seen.push(request);
    return request.n === 2 ? "forward" : undefined;
  };
  assert.is((await sdkFailureOf(faulty.increment("order"))).name, "TimeoutError");
  assert.is(await faulty.increment("order"), 1);
  assert.is((await sdkFailureOf(faulty.increment("order"))).name, "InternalServerError");
  assert.equal(
    seen.map(({ operation, n }) => [operation, n]),
    [
      ["UpdateItem", 2],
      ["UpdateItem", 3],
    ],
  );
  const [first] = seen;
  assert.equal(first?.body.Key, { id: { S: "order" } });
  assert.equal(JSON.parse(String(first?.bytes)), first?.body);
});

test("a decision that is a promise holds the request, so that another overtakes it", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  faulty.proxy.decide = async ({ n }): Promise<Fault> => {
    if (n === 1) {
      await held;
    }
    return "forward";
  };
  const first = faulty.increment("overtaken");
  await watchUntil("the first has come", () => faulty.proxy.requests.has("UpdateItem"));
  assert.is(await faulty.increment("overtaken"), 1);
  release();
  assert.is(await first, 2);
});

test("a function of the test that throws is an error that says so, and is not sent again", async () => {
  const broken = () => {
    throw new Error("planted");
  };
  for (const decide of [broken, () => ({ kind: "rewrite", answer: broken }) as const, () => "typo" as "forward"]) {
    faulty.proxy.decide = decide;
    const failure = await sdkFailureOf(faulty.increment("broken"));
    assert.is(failure.name, "FaultProxyError");
    assert.match(failure.message, /planted|"typo" is not a fault/);
  }
});

test("what cannot be is refused with a typed error", async () => {
  const target = faulty.engine.endpoint;
  const wrong: [Parameters<typeof startFaultProxy>[0], RegExp][] = [
    [{ target: "127.0.0.1:8000" }, /target/],
    [{ target, seed: -1 }, /seed/],
    [{ target, rates: [{ fault: "refuse", rate: 1.1 }] }, /rate of refuse/],
    [
      { target, rates: [...rates, { fault: "hang", rate: 0.5, operations: ["UpdateItem"] }] },
      /UpdateItem add up to 1.1/,
    ],
    [{ target, rates: [{ fault: { kind: "delay", beforeMs: -1 }, rate: 0.1 }] }, /beforeMs/],
    [{ target, rates: [{ fault: { kind: "unprocessed", share: 0 }, rate: 0.1 }] }, /share/],
    [{ target, rates: [{ fault: { kind: "answer", status: 100, body: {} }, rate: 0.1 }] }, /status/],
  ];
  for (const [options, message] of wrong) {
    const failure = await sdkFailureOf(startFaultProxy(options));
    assert.match(failure.name, /^(Range|Type)Error$/);
    assert.match(failure.message, message);
  }
  assert.throws(() => faulty.proxy.failNext("GetItem", 0.5, "hang"), RangeError);
  assert.throws(() => faulty.proxy.setRates([{ fault: "refuse", rate: Number.NaN }]), RangeError);
});

test("stopping drops what is held, more than once", async () => {
  const proxy = await startFaultProxy({ target: faulty.engine.endpoint });
  proxy.failNext("GetItem", 1, { kind: "delay", beforeMs: 600_000 });
  proxy.failNext("UpdateItem", 1, "hang");
  const client = createClient(faulty.engine, proxy.endpoint);
  const call = sdkFailureOf(client.send(new GetItemCommand({ TableName: faulty.table, Key: { id: { S: "k" } } })));
  await watchUntil("it is held", () => proxy.log.length > 0);
  // That neither timer nor socket is left is looked at when the suite ends.
  await Promise.all([proxy.stop(), proxy.stop()]);
  assert.is((await call).name, "TimeoutError");
  client.destroy();
});

test.run();
