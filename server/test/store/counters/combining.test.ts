import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { type IncrResponse, KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { holdRequest } from "../../support/hold-request.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { watchUntil } from "../../support/wait-until.js";

const test = suite("combined increments");
let server: TestServer;
let proxy: FaultProxy;
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));
});

test.before.each(() => {
  proxy.reset();
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const writes = () => (proxy.requests.get("UpdateItem") ?? 0) + (proxy.requests.get("PutItem") ?? 0);
const numbers = (length: number) => Array.from({ length }, (_, n) => n);
const counter = async (key: string) => (await server.client.incr({ key, delta: 0n })).value;

/** Resolves once so many writes have reached the proxy. */
async function writesToArrive(count: number): Promise<void> {
  await watchUntil(`${count} writes have come`, () => writes() >= count);
}

/** Distinct, and as if one came after another: each value is the one before it, in some order, and its own delta. */
function assertOneAfterAnother(answers: readonly IncrResponse[], delta = 1n): void {
  const values = answers.map(({ value }) => value).sort((a, b) => Number(a - b));
  assert.equal(
    values,
    numbers(answers.length).map((n) => BigInt(n + 1) * delta),
  );
  assert.is(new Set(answers.map(({ etag }) => etag)).size, answers.length);
}

test("an increment alone is one UpdateItem", async () => {
  await server.client.incr({ key: "alone" });
  assert.is((await client.incr({ key: "alone" })).value, 2n);
  assert.is(writes(), 1);
});

for (const faults of [0, 3]) {
  const under = faults === 0 ? "" : ", also when answers are lost";

  test(`increments without ids that come together are few writes, and each gets its own value${under}`, async () => {
    const key = `together-${faults}`;
    proxy.failNext("UpdateItem", faults, "lose-answer");
    const answers = await Promise.all(numbers(500).map(() => client.incr({ key, delta: 3n })));
    assertOneAfterAnother(answers, 3n);
    assert.is(await counter(key), 1500n);
    // How many come together depends on the machine: alone they would be 500.
    assert.ok(writes() <= 250, `${writes()} writes for 500 increments`);
  });

  test(`increments of many writers are few writes, and each is remembered${under}`, async () => {
    const key = `writers-${faults}`;
    await server.client.incr({ key, delta: 0n });
    proxy.failNext("UpdateItem", faults, "lose-answer");
    // On a slow machine they do not all come while a write without a delay is in flight.
    proxy.decide = ({ operation }) => (operation === "UpdateItem" ? { kind: "delay", afterMs: 30 } : "forward");
    const requests = numbers(100).map(() => ({ key, requestId: createRequestId() }));
    const answers = await Promise.all(requests.map((request) => client.incr(request)));
    assertOneAfterAnother(answers);
    // Some thirty go together at most. What a write whose answer was lost was to do is done for each of them apart.
    const most = faults === 0 ? 20 : 90;
    assert.ok(writes() <= most, `${writes()} writes for 100 increments`);
    const again = await Promise.all(requests.map((request) => server.client.incr(request)));
    assert.equal(
      again.map(({ value, etag, replayed }) => ({ value, etag, replayed })),
      answers.map(({ value, etag }) => ({ value, etag, replayed: true })),
    );
    assert.is(await counter(key), 100n);
  });
}

test("one id many times at once counts once", async () => {
  const request = { key: "same-id", requestId: createRequestId() };
  const answers = await Promise.all(numbers(60).map(() => client.incr(request)));
  assert.ok(answers.every(({ value }) => value === 1n));
  assert.is(answers.filter(({ replayed }) => !replayed).length, 1);
  assert.is(await counter("same-id"), 1n);
});

test("one id that comes again while others wait counts once, and each of those, too", async () => {
  const key = "same id in a group";
  await server.client.incr({ key, delta: 0n });
  const first = holdRequest(proxy, ["UpdateItem"], 1, { alone: true });
  const ahead = client.incr({ key });
  await first.held();
  const [requestId, other] = [createRequestId(), createRequestId()];
  const call = (id: string) => client.incr({ key, requestId: id }).catch((error: unknown) => `${error}`);
  const waiting = Promise.all([requestId, requestId, requestId, other].map(call));
  // They go beside the one that takes so long.
  await writesToArrive(2);
  first.release();
  const answers = (await waiting).map((each) => (typeof each === "string" ? each : [each.value, each.replayed]));
  await ahead;
  const same = answers.slice(0, 3);
  assert.is(new Set(same.map(([value]) => value)).size, 1, `${answers.join("; ")}`);
  assert.is(same.filter(([, replayed]) => replayed === false).length, 1);
  assert.equal([answers[3]?.[1], await counter(key)], [false, 3n]);
});

test("with and without ids, up and down, each answer is that of some order", async () => {
  const deltas = numbers(200).map((n) => BigInt(n % 2 === 0 ? n : -n));
  const answers = await Promise.all(
    deltas.map((delta, n) =>
      client.incr({ key: "mixed", delta, ...(n % 5 === 0 ? { requestId: createRequestId() } : {}) }),
    ),
  );
  // Going back from the last: whichever came before it left this value less its delta.
  const total = deltas.reduce((sum, delta) => sum + delta, 0n);
  assert.is(await counter("mixed"), total);
  const before = answers.map(({ value }, n) => value - (deltas[n] ?? 0n)).sort();
  const after = answers.map(({ value }) => value).sort();
  // Each value but the last is where another began; the first began at 0.
  assert.equal([...after, 0n].sort(), [...before, total].sort());
});

test("a bound holds for each", async () => {
  const answers = await Promise.allSettled(numbers(200).map(() => client.incr({ key: "limited", max: 70n })));
  const values = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  assertOneAfterAnother(values);
  assert.is(values.length, 70);
  const refused = answers.find(({ status }) => status === "rejected") as PromiseRejectedResult;
  const failure = await failureOf(Promise.reject(refused.reason));
  assert.equal([failure.reason, failure.outcome], ["OUT_OF_BOUNDS", "NOT_APPLIED"]);
});

test("each is held to its own bound", async () => {
  await server.client.incr({ key: "bounds", delta: 50n });
  const answers = await Promise.allSettled(
    numbers(100).map((n) => client.incr({ key: "bounds", ...(n % 2 === 0 ? { max: 60n } : {}) })),
  );
  const values = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.value : undefined));
  for (const [n, value] of values.entries()) {
    assert.ok(n % 2 === 0 ? value === undefined || value <= 60n : value !== undefined);
  }
  const applied = values.filter((value) => value !== undefined).length;
  assert.is(await counter("bounds"), 50n + BigInt(applied));
});

test("the first of those that come together says where the counter begins, and each gets its own value", async () => {
  const answers = await Promise.all([
    client.incr({ key: "starts" }),
    ...numbers(20).map(() => client.incr({ key: "starts", initial: 1000n })),
  ]);
  const begun = answers[0]?.value === 1n ? 0n : 1000n;
  assert.is(await counter("starts"), begun + 21n);
  assert.equal(
    answers.map(({ value }) => Number(value - begun)).sort((a, b) => a - b),
    numbers(21).map((n) => n + 1),
  );
});

test("where the first of those that come together would begin out of its bounds, another one says where", async () => {
  const [first, ...others] = await Promise.allSettled([
    client.incr({ key: "begins", initial: 100n, max: 50n }),
    ...numbers(20).map(() => client.incr({ key: "begins", initial: 7n })),
  ]);
  // It may have come after another one, on a machine that is slow, and found a counter within its bounds.
  assert.is(await counter("begins"), first?.status === "fulfilled" ? 28n : 27n);
  assert.is(others.filter(({ status }) => status === "fulfilled").length, 20);
});

test("a key that holds a value refuses all of them", async () => {
  await server.client.set({ key: "value", value: Buffer.from("v") });
  const failures = await Promise.all(numbers(50).map(() => failureOf(client.incr({ key: "value" }))));
  assert.ok(failures.every(({ reason, outcome }) => reason === "WRONG_KIND" && outcome === "NOT_APPLIED"));
});

test("a caller who leaves takes nobody along", async () => {
  const key = "leaving";
  await server.client.incr({ key, delta: 0n });
  proxy.decide = ({ operation }) => (operation === "UpdateItem" ? { kind: "delay", afterMs: 30 } : "forward");
  const first = client.incr({ key });
  await writesToArrive(1);
  const leaving = new AbortController();
  const staying = numbers(20).map(() => client.incr({ key }));
  const left = numbers(5).map(() => client.incr({ key }, { signal: leaving.signal }).catch(() => undefined));
  await writesToArrive(2);
  leaving.abort();
  const answers = [await first, ...(await Promise.all(staying)), ...(await Promise.all(left))];
  const values = answers.flatMap((answer) => answer?.value ?? []);
  assert.ok(values.length >= 21);
  assert.is(new Set(values).size, values.length);
  const end = await counter(key);
  assert.ok(end >= 21n && end <= 26n);
});

test("writes that hang hold up nobody", async () => {
  const key = "hanging";
  await server.client.incr({ key, delta: 0n });
  const leaving = new AbortController();
  proxy.failNext("UpdateItem", 3, "hang");
  const hanging: Promise<unknown>[] = [];
  for (let n = 0; n < 3; n++) {
    hanging.push(client.incr({ key }, { signal: leaving.signal }).catch(() => {}));
    await writesToArrive(n + 1);
  }
  assert.is((await client.incr({ key })).value, 1n);
  leaving.abort();
  await Promise.all(hanging);
  assert.is(await counter(key), 1n);
});

test.run();
