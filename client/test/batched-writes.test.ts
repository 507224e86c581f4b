import { setMaxListeners } from "node:events";
import { Code, ConnectError, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { patientDeadlines, patientTimeout } from "../../server/test/support/hold-request.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { createClient, type DynakvClient, type DynakvError } from "../src/index.js";
import { ErrorReason, KeyValueService, Outcome } from "../src/schema.js";
import { errorOf } from "./support/error-of.js";

const test = suite("writes that travel together");
let server: TestServer;
let client: DynakvClient;
/** The names of the methods that were called, each as often as it was. */
let called: string[] = [];

const note: Interceptor = (next) => (request) => {
  called.push(request.method.name);
  return next(request);
};

test.before(async () => {
  // Few requests in flight: each gets its answer before the server gives it up, on a busy machine as well.
  server = await startTestServer({ ...patientDeadlines, mgetConcurrency: 1 });
  client = createClient({
    address: server.url,
    interceptors: [note],
    ...patientTimeout,
  });
});

test.before.each(() => {
  called = [];
});

test.after(async () => {
  client.close();
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const numbers = (length: number) => Array.from({ length }, (_, n) => n);
const textOf = (entry: { readonly kind: string; readonly value?: Uint8Array } | undefined) =>
  entry?.value && Buffer.from(entry.value).toString();

test("2,000 sets at once are few calls, and as many deletes are as well", async () => {
  const written = await Promise.all(numbers(2000).map((n) => client.set(`many:${n}`, bytes(`v${n}`))));
  assert.equal([...new Set(called)], ["MSet"]);
  assert.ok(called.length <= 4, `${called.length} calls`);
  const found = await client.mget(numbers(2000).map((n) => `many:${n}`)).toMap();
  assert.is(found.size, 2000);
  for (const [n, { etag }] of written.entries()) {
    const entry = found.get(`many:${n}`);
    assert.equal([entry?.etag, textOf(entry)], [etag, `v${n}`]);
  }
  called = [];
  const deleted = await Promise.all(numbers(2000).map((n) => client.delete(`many:${n + 100}`)));
  assert.equal(
    deleted,
    numbers(2000).map((n) => n < 1900),
  );
  assert.equal([...new Set(called)], ["MDelete"]);
});

test("a set alone, and one with headers of its own, is a Set", async () => {
  await client.set("alone", bytes("1"));
  await Promise.all([client.set("few:1", bytes("1")), client.delete("few:2")]);
  assert.equal(called.sort(), ["Delete", "Set", "Set"]);
  called = [];
  const headers = { "x-trace": "1" };
  await Promise.all(numbers(40).map((n) => client.set(`headers:${n}`, bytes("1"), { headers })));
  assert.equal([...new Set(called)], ["Set"]);
});

test("each write keeps its own condition, expiry and answer, beside others", async () => {
  const { etag } = await client.set("own:old", bytes("old"));
  await client.set("own:taken", bytes("mine"));
  const now = Date.now();
  const expiryOf = (n: number) => new Date(now + 60_000 + n);
  const others = numbers(50).map((n) => client.set(`own:${n}`, bytes("x"), { expiry: expiryOf(n) }));
  const gone = numbers(50).map((n) => client.delete(`own:none:${n}`));
  const [swapped, counter, kept, refused, taken, absent] = await Promise.all([
    client.swap("own:old", bytes("new"), { ifEtag: etag }),
    client.setCounter("own:counter", 7n),
    client.set("own:kept", bytes("1"), { ifAbsent: true, expiry: "never" }),
    errorOf(client.set("own:missing", bytes("1"), { ifPresent: true })),
    client.take("own:taken"),
    client.take("own:nothing"),
  ]);
  assert.equal([swapped.previous?.etag, textOf(swapped.previous)], [etag, "old"]);
  assert.equal(Object.keys(counter).sort(), ["etag", "expireTime", "writeTime"]);
  assert.is(kept.expireTime, undefined);
  assert.equal([refused.reason, refused.outcome], ["NOT_PRESENT", "NOT_APPLIED"]);
  assert.equal([textOf(taken), absent], ["mine", undefined]);
  assert.is(await client.incr("own:counter"), 8n);
  assert.equal(
    (await Promise.all(others)).map(({ expireTime }) => expireTime),
    numbers(50).map(expiryOf),
  );
  assert.ok((await Promise.all(gone)).every((existed) => !existed));
});

test("a write that is wrong or too large fails alone, with the error of its own call", async () => {
  const alone = await errorOf(client.set("", bytes("1")));
  called = [];
  const others = numbers(40).map((n) => client.set(`beside:${n}`, bytes("1")));
  const [empty, large, larger] = await Promise.all([
    errorOf(client.set("", bytes("1"))),
    errorOf(client.set("beside:large", Buffer.alloc(450_000))),
    // More than the server takes in one message.
    errorOf(client.set("beside:larger", Buffer.alloc(5_000_000))),
  ]);
  assert.equal(
    [empty.reason, empty.field, empty.message, empty.outcome],
    [alone.reason, "key", alone.message, "NOT_APPLIED"],
  );
  assert.equal([large.reason, large.field, large.outcome], ["VALUE_TOO_LARGE", "value", "NOT_APPLIED"]);
  assert.is(larger.outcome, "NOT_APPLIED");
  await Promise.all(others);
  // The others did not have to be sent anew.
  assert.equal(called.sort(), ["MSet", "Set", "Set", "Set"]);
});

test("sets of one key that are made at the same time are carried out in their order, and before deletes of it", async () => {
  // More than one request takes.
  const large = Buffer.alloc(10_000);
  const sets = numbers(60).flatMap((n) => [
    ...numbers(5).map((key) => client.set(`ordered:${key}`, bytes(`${n}`))),
    client.set(`filling:${n}`, large),
    client.set(`ordered:gone:${n}`, bytes("1")),
  ]);
  const deletes = numbers(60).map((n) => client.delete(`ordered:gone:${n}`));
  await Promise.all(sets);
  assert.ok((await Promise.all(deletes)).every((existed) => existed));
  for (const key of numbers(5)) {
    assert.is(textOf(await client.get(`ordered:${key}`, { consistency: "strong" })), "59");
  }
});

test("a write that is given up takes nobody along, and says whether it may have been applied", async () => {
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const write = (n: number, options = {}) => client.set(`left:${n}`, bytes("1"), options);
  const staying = numbers(40).map((n) => write(n));
  const left = numbers(40).map((n) => errorOf(write(100 + n, { signal: leaving.signal })));
  const late = errorOf(write(200, { timeoutMs: -1 }));
  leaving.abort();
  for (const { reason, outcome } of await Promise.all(left)) {
    assert.equal([reason, outcome], ["CANCELED", "NOT_APPLIED"]);
  }
  assert.equal([(await late).reason, (await late).outcome], ["DEADLINE_EXCEEDED", "NOT_APPLIED"]);
  await Promise.all(staying);
  assert.is(await client.has("left:100", { consistency: "strong" }), false);
});

/** A client of a service whose streams of Sets do so, and of the calls that it was asked for. */
function scripted(
  answer: (keys: readonly string[], nth: number, signal: AbortSignal) => AsyncIterable<[number, object?]>,
) {
  const asked: (readonly string[] | string)[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(KeyValueService, {
      async *mSet({ entries }, { signal }) {
        const keys = entries.map(({ key }) => key);
        asked.push(keys);
        for await (const [index, error] of answer(keys, asked.length, signal)) {
          const result =
            error === undefined
              ? { case: "stored" as const, value: { etag: `e ${keys[index]}` } }
              : { case: "error" as const, value: error };
          yield { results: [{ index, key: keys[index] ?? "", result }] };
        }
      },
      set({ key }) {
        asked.push(key);
        return { etag: `alone ${key}` };
      },
    });
  });
  const quick = createClient({ transport, retries: { baseDelayMs: 1, maxDelayMs: 2 } });
  return {
    asked,
    sets: (count: number, options = {}, optionsOfLast = options) =>
      numbers(count).map((n) => quick.set(`k${n}`, bytes("1"), n === count - 1 ? optionsOfLast : options)),
  };
}

const outcomes = async (writes: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(writes)).map((each) =>
    each.status === "fulfilled" ? "stored" : (each.reason as DynakvError).outcome,
  );

test("of an answer that is lost each caller is told that nobody knows, unless a repetition is harmless", async () => {
  const { asked, sets } = scripted(async function* (keys, nth) {
    if (nth > 1) {
      yield* keys.map((_, index): [number] => [index]);
      return;
    }
    yield [3];
    throw new ConnectError("read ECONNRESET", Code.Aborted);
  });
  const told = await outcomes([...sets(40)]);
  assert.equal(
    told,
    numbers(40).map((n) => (n === 3 ? "stored" : "UNKNOWN")),
  );
  assert.is(asked.length, 1);
  assert.equal([...new Set(await outcomes(sets(40, { idempotent: true })))], ["stored"]);
  assert.ok(asked.length > 1);
});

test("what was certainly not applied is written again, as a set alone is", async () => {
  const throttled = {
    code: Code.ResourceExhausted,
    message: "throttled",
    detail: { reason: ErrorReason.THROTTLED, outcome: Outcome.NOT_APPLIED, retryable: true },
  };
  const { asked, sets } = scripted(async function* (keys, nth) {
    yield* keys.map((_, index): [number, object?] => (nth === 1 && index === 5 ? [index, throttled] : [index]));
  });
  assert.equal([...new Set(await outcomes(sets(40)))], ["stored"]);
  assert.equal(asked.slice(1), [["k5"]]);
});

test("whoever leaves while a request is in flight may have been applied, and the last one ends it", async () => {
  let ended: (reason: unknown) => void = () => {};
  const end = new Promise((resolve) => {
    ended = resolve;
  });
  const { asked, sets } = scripted(async function* (_, __, signal) {
    yield [0];
    signal.addEventListener("abort", ended);
    await end;
  });
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const [first, ...others] = sets(40, { signal: leaving.signal });
  await first;
  leaving.abort();
  assert.equal([...new Set(await outcomes(others))], ["UNKNOWN"]);
  await end;
  assert.is(asked.length, 1);
});

test("whoever leaves a request ends it for nobody else", async () => {
  let answerRest: (value?: unknown) => void = () => {};
  const left = new Promise((resolve) => {
    answerRest = resolve;
  });
  const { asked, sets } = scripted(async function* (keys) {
    yield [0];
    await left;
    yield* keys.slice(1).map((_, index): [number] => [index + 1]);
  });
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const writes = sets(40, { signal: leaving.signal }, {});
  await writes[0];
  leaving.abort();
  assert.equal([...new Set(await outcomes(writes.slice(1, -1)))], ["UNKNOWN"]);
  answerRest();
  assert.equal(await outcomes(writes.slice(-1)), ["stored"]);
  assert.is(asked.length, 1);
});

test("a server that has no MSet, or takes fewer at once, is asked one by one", async () => {
  const { asked, sets } = scripted(
    // biome-ignore lint/correctness/useYield: it is refused as a whole
    async function* () {
      throw new ConnectError("unknown method", Code.Unimplemented);
    },
  );
  assert.equal([...new Set(await outcomes(sets(40)))], ["stored"]);
  assert.equal([...new Set(await outcomes(sets(40)))], ["stored"]);
  assert.equal(
    asked.map((each) => typeof each),
    ["object", ...numbers(80).map(() => "string")],
  );
  const narrow = await server.replica({ maxKeys: 20 });
  const ofNarrow = createClient({ address: narrow.url, ...patientTimeout });
  try {
    await Promise.all(numbers(50).map((n) => ofNarrow.set(`narrow:${n}`, bytes("1"))));
    assert.is((await client.mget(numbers(50).map((n) => `narrow:${n}`)).toMap()).size, 50);
  } finally {
    ofNarrow.close();
  }
});

test("writes of one key that are called for at once follow each other, also as calls of their own and of different methods", async () => {
  const log: string[] = [];
  const carryOut = async (what: string) => {
    log.push(`begin ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push(`end ${what}`);
    return {};
  };
  // It has no streams of writes, as servers of before them.
  const transport = createRouterTransport(({ rpc }) => {
    rpc(KeyValueService.method.set, ({ value }) => carryOut(`set ${Buffer.from(value)}`));
    rpc(KeyValueService.method.delete, () => carryOut("delete"));
  });
  const old = createClient({ transport });
  await Promise.all([
    old.set("k", bytes("1")),
    old.delete("k"),
    old.set("k", bytes("2"), { idempotent: true }),
    old.delete("k"),
  ]);
  const inOrder = (names: readonly string[]) => names.flatMap((name) => [`begin ${name}`, `end ${name}`]);
  assert.equal(log, inOrder(["set 1", "delete", "set 2", "delete"]));
  for (const time of ["the server is asked for the stream", "it is known to have none"]) {
    log.length = 0;
    await Promise.all(numbers(40).map((n) => old.set("k", bytes(`${n}`))));
    assert.equal(log, inOrder(numbers(40).map((n) => `set ${n}`)), time);
  }
});

test.run();
