import { setMaxListeners } from "node:events";
import { Code, type Interceptor } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { patientTimeout } from "../../server/test/support/hold-request.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { createClient, createRequestId, type DynakvClient, type DynakvError } from "../src/index.js";
import { Consistency, type GetRequest, type MGetRequest } from "../src/schema.js";
import { errorOf } from "./support/error-of.js";

const test = suite("calls that travel together");
let server: TestServer;
let client: DynakvClient;
/** The names of the methods that were called, each as often as it was. */
let called: string[] = [];

/** For each key of a read, the consistency that it was asked with. */
let asked: [string, Consistency][] = [];

const note: Interceptor = (next) => (request) => {
  called.push(request.method.name);
  return next(request.stream ? { ...request, message: noteReads(request.message) } : noteRead(request));
};

function noteRead<T extends { readonly message: object }>(request: T): T {
  const { key, keys = [key], consistency } = request.message as Partial<GetRequest & MGetRequest>;
  asked.push(...keys.map((each): [string, Consistency] => [each ?? "", consistency ?? Consistency.UNSPECIFIED]));
  return request;
}

async function* noteReads<T extends object>(messages: AsyncIterable<T>): AsyncIterable<T> {
  for await (const message of messages) {
    noteRead({ message });
    yield message;
  }
}

test.before(async () => {
  server = await startTestServer();
  client = createClient({ address: server.url, interceptors: [note], ...patientTimeout });
  await Promise.all(numbers(100).map((n) => client.set(`k${n}`, Buffer.from(`v${n}`))));
});

test.before.each(() => {
  called = [];
  asked = [];
});

test.after(async () => {
  client.close();
  await server.stop();
});

function numbers(length: number): number[] {
  return Array.from({ length }, (_, n) => n);
}

async function textAt(key: string, options = {}): Promise<string | undefined> {
  const entry = await client.get(key, options);
  return entry?.kind === "value" ? Buffer.from(entry.value).toString() : undefined;
}

test("a get alone is a Get", async () => {
  assert.is(await textAt("k1"), "v1");
  assert.equal(called, ["Get"]);
});

test("gets at the same time are one MGet, and each has its own answer", async () => {
  const keys = numbers(300).map((n) => `k${n % 150}`);
  const answers = await Promise.all(keys.map((key) => textAt(key)));
  assert.equal(
    answers,
    numbers(300).map((n) => (n % 150 < 100 ? `v${n % 150}` : undefined)),
  );
  assert.equal(called, ["MGet"]);
});

test("strong and eventual gets travel apart", async () => {
  await Promise.all(numbers(20).map((n) => textAt(`k${n}`, { consistency: n % 2 === 0 ? "strong" : "eventual" })));
  assert.equal(called, ["MGet", "MGet"]);
});

test("a get is as strong as it was asked to be, alone and with others", async () => {
  const strengthOf = (key: string) => (Number(key.slice(1)) % 2 === 0 ? "strong" : "eventual");
  for (const count of [1, 2, 20]) {
    asked = [];
    await Promise.all(numbers(count).map((n) => textAt(`k${n}`, { consistency: strengthOf(`k${n}`) })));
    assert.equal(
      asked.map(([key]) => key).sort(),
      numbers(count)
        .map((n) => `k${n}`)
        .sort(),
    );
    for (const [key, consistency] of asked) {
      assert.is(consistency, strengthOf(key) === "strong" ? Consistency.STRONG : Consistency.EVENTUAL, key);
    }
  }
  asked = [];
  await client.mget(["k3"], { consistency: "strong" }).toMap();
  await client.mget(["k4"]).toMap();
  assert.equal(asked, [
    ["k3", Consistency.STRONG],
    ["k4", Consistency.EVENTUAL],
  ]);
});

test("a key that is refused fails alone, with the error of a Get", async () => {
  const alone = await errorOf(client.get(""));
  const calls = [client.get(""), ...numbers(10).map((n) => textAt(`k${n}`)), client.get("x".repeat(2049))];
  const [empty, ...others] = await Promise.allSettled(calls);
  assert.equal(
    others.slice(0, 10).map((each) => each.status === "fulfilled" && each.value),
    numbers(10).map((n) => `v${n}`),
  );
  const error = (empty as PromiseRejectedResult).reason as DynakvError;
  assert.equal(
    [error.code, error.reason, error.field, error.message],
    [Code.InvalidArgument, alone.reason, "key", alone.message],
  );
  assert.is(others[10]?.status, "rejected");
});

test("a get that is given up takes nobody along", async () => {
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const left = numbers(10).map((n) => errorOf(client.get(`k${n}`, { signal: leaving.signal })));
  const late = errorOf(client.get("k10", { timeoutMs: -1 }));
  const staying = numbers(10).map((n) => textAt(`k${n}`));
  leaving.abort();
  assert.ok((await Promise.all(left)).every(({ code }) => code === Code.Canceled));
  assert.is((await late).code, Code.DeadlineExceeded);
  assert.equal(
    await Promise.all(staying),
    numbers(10).map((n) => `v${n}`),
  );
});

test("a get sees what was set before it, also while older gets are in flight", async () => {
  for (const n of numbers(50)) {
    const older = [client.get("own"), client.get("other")];
    await client.set("own", Buffer.from(`${n}`));
    assert.is(await textAt("own"), `${n}`);
    await Promise.all(older);
  }
});

test("a call with headers of its own travels alone", async () => {
  const headers = { "x-trace": "1" };
  await Promise.all([
    ...numbers(3).map((n) => client.get(`k${n}`, { headers })),
    ...numbers(3).map(() => client.incr("with-headers", { headers })),
  ]);
  assert.equal(called.sort(), ["Get", "Get", "Get", "Incr", "Incr", "Incr"]);
});

interface Addition {
  readonly delta?: bigint | undefined;
  readonly initial?: bigint;
}

/**
 * Asserts that additions to a new counter were answered as if they had come one after another, in whatever order: the first goes at once,
 * and where it is slow the others pass it. One that leads out of int64 is refused, which is an answer of undefined.
 */
function assertSerial(additions: readonly Addition[], answers: readonly (bigint | undefined)[]): void {
  const isSerialFrom = (value: bigint | undefined, left: ReadonlySet<number>): boolean =>
    left.size === 0 ||
    [...left].some((n) => {
      const { delta = 1n, initial = 0n } = additions[n] as Addition;
      const next = (value ?? initial) + delta;
      const answer = next === BigInt.asIntN(64, next) ? next : undefined;
      return answers[n] === answer && isSerialFrom(answer ?? value, new Set([...left].filter((each) => each !== n)));
    });
  assert.ok(isSerialFrom(undefined, new Set(additions.keys())), `${answers}`);
}

test("increments at the same time are few calls, and each gets the value after itself", async () => {
  const [first, ...values] = await Promise.all(numbers(256).map((n) => client.incr("hot", { delta: BigInt(n % 3) })));
  let expected = 0n;
  for (const [n, value] of values.entries()) {
    expected += BigInt((n + 1) % 3);
    assert.is(value, expected);
  }
  // It adds nothing, and where it is slow the others pass it.
  assert.ok(first === 0n || first === expected, `${first}`);
  assert.ok(called.length <= 3, `${called.length} calls`);
});

test("increments that name no delta add 1 each, beside others that name one, and are told so", async () => {
  const deltas = [undefined, undefined, 5n, undefined, -2n, undefined];
  const values = await Promise.all(deltas.map((delta) => client.incr("by one", { delta })));
  assertSerial(
    deltas.map((delta) => ({ delta })),
    values,
  );
  assert.ok(called.length < deltas.length, `${called.length} calls`);
});

test("each increment is held to its own bounds, and creates what it would alone", async () => {
  const answers = await Promise.allSettled(numbers(60).map(() => client.incr("bounded", { max: 25n })));
  const values = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  assert.equal(
    values.sort((a, b) => Number(a - b)),
    numbers(25).map((n) => BigInt(n + 1)),
  );
  for (const answer of answers) {
    if (answer.status === "rejected") {
      assert.equal([answer.reason.reason, answer.reason.outcome], ["OUT_OF_BOUNDS", "NOT_APPLIED"]);
    }
  }
  const mixed = [{ initial: 100n }, { initial: 5n }, { delta: -1n, expiry: { seconds: 60 } }];
  assertSerial(mixed, await Promise.all(mixed.map((each) => client.incr("started", each))));
});

test("increments whose sum is no integer of 64 bits are made one after another", async () => {
  const most = 2n ** 63n - 1n;
  const additions = [-most - 1n, 0n, most, most].map((delta) => ({ delta }));
  const [first, ...others] = additions as [Addition, ...Addition[]];
  const lowest = await client.incr("far apart", first);
  assertSerial(additions, [lowest, ...(await Promise.all(others.map((each) => client.incr("far apart", each))))]);
  assert.is(await client.incr("far apart", { delta: 0n }), most - 1n);
});

test("each increment is held to its own lower bound, beside others that have another or none", async () => {
  await client.incr("lower", { delta: 50n });
  const minOf = (n: number) => [undefined, 45n, 30n][n % 3];
  const answers = await Promise.allSettled(
    numbers(60).map((n) => client.incr("lower", { delta: -1n, ...(minOf(n) === undefined ? {} : { min: minOf(n) }) })),
  );
  const values = answers.map((answer) => (answer.status === "fulfilled" ? answer.value : undefined));
  for (const [n, value] of values.entries()) {
    const min = minOf(n);
    assert.ok(min === undefined ? value !== undefined : value === undefined || value >= min, `${n}: ${value}`);
  }
  const applied = values.filter((value) => value !== undefined);
  assert.is(new Set(applied).size, applied.length);
  assert.is(await client.incr("lower", { delta: 0n }), 50n - BigInt(applied.length));
});

test("each increment gives the counter the expiry that it asks for, beside others that ask for none", async () => {
  const nowMs = Date.now();
  const inSeconds = (seconds: number) => new Date((Math.floor(nowMs / 1000) + seconds) * 1000);
  for (const [name, expiry, expected] of [
    ["never", "never", [undefined]],
    ["a time", inSeconds(900), [inSeconds(900)]],
    ["none", undefined, [inSeconds(300)]],
    // Either may be the last, where the first write is slow.
    ["another", [inSeconds(600), inSeconds(900)], [inSeconds(600), inSeconds(900)]],
  ] as const) {
    const key = `expiries ${name}`;
    await client.incr(key, { expiry: inSeconds(300) });
    const asked = [expiry ?? []].flat();
    await Promise.all([
      client.incr(key),
      client.incr(key),
      ...asked.map((each) => client.incr(key, { expiry: each })),
      client.incr(key),
    ]);
    const entry = await client.get(key, { consistency: "strong" });
    assert.is(entry?.kind === "counter" && entry.counter, BigInt(4 + asked.length));
    const ofDates = (dates: readonly (Date | undefined)[]) => dates.map((date) => date?.getTime());
    assert.ok(ofDates(expected).includes(entry?.expireTime?.getTime()), `${name}: ${entry?.expireTime}`);
  }
});

test("of detailed increments at the same time, each has the etag of the counter right after itself", async () => {
  const told = await Promise.all(numbers(20).map(() => client.incrDetailed("detailed")));
  assert.is(new Set(told.map(({ etag }) => etag)).size, 20);
  const isStill = await Promise.all(
    told.map(({ value, etag }) =>
      client.touch("detailed", "never", { ifEtag: etag }).then(
        () => value,
        () => 0n,
      ),
    ),
  );
  assert.equal(
    isStill.filter((value) => value > 0n),
    [20n],
  );
});

test("deltas whose sum is no int64 still count", async () => {
  const largest = 2n ** 63n - 1n;
  const additions = [0n, largest, -largest, largest].map((delta) => ({ delta }));
  const answers = await Promise.allSettled(additions.map((each) => client.incr("wide", each)));
  assertSerial(
    additions,
    answers.map((answer) => (answer.status === "fulfilled" ? answer.value : undefined)),
  );
});

test("increments with ids of their own travel apart, and count once each", async () => {
  const requestId = createRequestId();
  const values = await Promise.all(numbers(10).map(() => client.incr("with-id", { requestId })));
  assert.ok(values.every((value) => value === 1n));
  assert.is(called.length, 10);
});

test("without batching each call is one request", async () => {
  const single = createClient({ address: server.url, interceptors: [note], batching: false, ...patientTimeout });
  await Promise.all(numbers(10).flatMap((n) => [single.get(`k${n}`), single.incr("unbatched")]));
  assert.is(await single.incr("unbatched", { delta: 0n }), 10n);
  assert.equal(called.sort(), [...numbers(10).map(() => "Get"), ...numbers(11).map(() => "Incr")]);
  single.close();
});

test.run();
