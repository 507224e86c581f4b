import { createRouterTransport, type Transport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { createCelery, taskKey } from "../src/celery.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { bytes, createClient, type DynakvClient, json, protobuf, utf8 } from "../src/index.js";
import { LimitsSchema } from "../src/schema.js";
import { createClient as createWebClient } from "../src/web.js";
import { startCounting, transferred } from "./support/counting-service.js";

const test = suite("arguments");

// biome-ignore lint/suspicious/noExplicitAny: what is wrong does not compile otherwise
type Wrong = any;

const value = new Uint8Array(1);

/** What each wrong call must say; the client, a keyspace and counters of it, and Celery's results. */
const wrong: readonly [string, (client: DynakvClient) => Promise<unknown>, RegExp][] = [
  ["get(undefined)", (c) => c.get(undefined as Wrong), /^key must be a string, not undefined$/],
  ["get(5)", (c) => c.get(5 as Wrong), /^key must be a string, not a number$/],
  ["get(half a pair)", (c) => c.get("\ud800"), /^key must be well-formed Unicode text/],
  ["get, null options", (c) => c.get("k", null as Wrong), /^options of get must be an object, not null$/],
  ["get, a promise for options", (c) => c.get("k", Promise.resolve() as Wrong), /must be an object, not a Promise$/],
  [
    "get, unknown option",
    (c) => c.get("k", { stron: true } as Wrong),
    /^options of get: there is no "stron", but .*consistency/,
  ],
  [
    "get, consistency",
    (c) => c.get("k", { consistency: "strng" } as Wrong),
    /^consistency must be "eventual" or "strong", not "strng"$/,
  ],
  [
    "get, timeoutMs",
    (c) => c.get("k", { timeoutMs: "5" } as Wrong),
    /^timeoutMs must be a number of milliseconds, not a string$/,
  ],
  [
    "get, timeoutMs NaN",
    (c) => c.get("k", { timeoutMs: Number.NaN }),
    /^timeoutMs must be a number of milliseconds, not the number NaN$/,
  ],
  ["get, signal", (c) => c.get("k", { signal: {} } as Wrong), /^signal must be an AbortSignal, not an Object$/],
  ["get, onHeader", (c) => c.get("k", { onHeader: 1 } as Wrong), /^onHeader must be a function/],
  [
    "get, headers",
    (c) => c.get("k", { headers: { a: "se\ncret" } }),
    /^headers must be names and values that HTTP can carry/,
  ],
  [
    "get, content-length",
    (c) => c.get("k", { headers: { "content-length": "1" } }),
    /^headers must not hold content-length/,
  ],
  ["set, text", (c) => c.set("k", "secret" as Wrong), /^value must be a Uint8Array, not a string$/],
  ["set, a number", (c) => c.set("k", 5 as Wrong), /^value must be a Uint8Array, not a number$/],
  ["set, an array", (c) => c.set("k", [1, 2] as Wrong), /^value must be a Uint8Array, not an Array$/],
  [
    "set, other bytes",
    (c) => c.set("k", new Uint16Array(1) as Wrong),
    /^value must be a Uint8Array, not a Uint16Array$/,
  ],
  ["set, bytes that are gone", (c) => c.set("k", transferred()), /^value must be a Uint8Array, not one whose buffer/],
  [
    "set, expiry as a number",
    (c) => c.set("k", value, { expiry: 60 } as Wrong),
    /^expiry must be \{ seconds \}, a Date.*, not the number 60$/,
  ],
  ["set, expiry as text", (c) => c.set("k", value, { expiry: "1h" } as Wrong), /^expiry must be .*, not "1h"$/],
  [
    "set, no seconds",
    (c) => c.set("k", value, { expiry: {} } as Wrong),
    /^expiry must be .*, not an object without seconds$/,
  ],
  [
    "set, minutes",
    (c) => c.set("k", value, { expiry: { minutes: 1 } } as Wrong),
    /^expiry: there is no "minutes", but seconds$/,
  ],
  [
    "set, seconds as text",
    (c) => c.set("k", value, { expiry: { seconds: "60" } } as Wrong),
    /^seconds must be a number of seconds, not a string$/,
  ],
  [
    "set, a date that is none",
    (c) => c.set("k", value, { expiry: new Date("x") }),
    /^expiry must be .*, not an invalid Date$/,
  ],
  ["set, ttl", (c) => c.set("k", value, { ttl: 60 } as Wrong), /^options of set: there is no "ttl", but .*expiry/],
  [
    "set, ifAbsent",
    (c) => c.set("k", value, { ifAbsent: "yes" } as Wrong),
    /^ifAbsent must be true or false, not a string$/,
  ],
  ["set, ifEtag", (c) => c.set("k", value, { ifEtag: "" }), /^ifEtag must be a string of at least one character/],
  [
    "set, idempotent",
    (c) => c.set("k", value, { idempotent: 1 } as Wrong),
    /^idempotent must be true or false, not the number 1$/,
  ],
  ["set, two conditions", (c) => c.set("k", value, { ifAbsent: true, ifPresent: true } as Wrong), /give one of/],
  ["delete(undefined)", (c) => c.delete(undefined as Wrong), /^key must be a string/],
  ["delete, expiry", (c) => c.delete("k", { expiry: "never" } as Wrong), /^options of delete: there is no "expiry"/],
  ["swap, text", (c) => c.swap("k", "secret" as Wrong), /^value must be a Uint8Array, not a string$/],
  [
    "swap, idempotent",
    (c) => c.swap("k", value, { idempotent: true } as Wrong),
    /^options of swap: there is no "idempotent"/,
  ],
  ["take()", (c) => (c as Wrong).take(), /^key must be a string, not undefined$/],
  ["take, idempotent", (c) => c.take("k", { idempotent: true } as Wrong), /^options of take: there is no "idempotent"/],
  ["setCounter, a number", (c) => c.setCounter("k", 5 as Wrong), /^counter must be a bigint, such as 1n/],
  ["setCounter, 65 bits", (c) => c.setCounter("k", 2n ** 63n), /^counter must be a bigint of 64 bits/],
  ["has(5)", (c) => c.has(5 as Wrong), /^key must be a string, not a number$/],
  ["has, expiry", (c) => c.has("k", { expiry: "never" } as Wrong), /^options of has: there is no "expiry"/],
  ["getMetadata(half a pair)", (c) => c.getMetadata("\udc00"), /^key must be well-formed Unicode text/],
  ["mset, streams", async (c) => c.mset([], { streams: 0 }), /^streams must be a whole number from 1 to 100/],
  ["mdelete, streams", async (c) => c.mdelete([], { streams: 0 }), /^streams must be a whole number from 1 to 100/],
  ["mgetMetadata(5)", async (c) => c.mgetMetadata(5 as Wrong), /^keys must be an array or another iterable/],
  ["scanKeys, prefix", async (c) => c.scanKeys({ prefix: 5 } as Wrong), /^prefix must be a string/],
  ["getAndTouch, keep", (c) => c.getAndTouch("k", "keep" as Wrong), /^expiry must be .*, not "keep"$/],
  [
    "touchDetailed, no time",
    (c) => c.touchDetailed("k", "never", { ifRemainingBelow: { seconds: 0 } }),
    /^ifRemainingBelow must be \{ seconds \} above 0, not the number 0$/,
  ],
  [
    "touch, a number of seconds",
    (c) => c.touch("k", "never", { ifRemainingBelow: 5 } as Wrong),
    /^ifRemainingBelow must be an object, not the number 5$/,
  ],
  [
    "incr, expiryIfCreated keep",
    (c) => c.incr("k", { expiryIfCreated: "keep" } as Wrong),
    /^expiry(IfCreated)? must be .*, not "keep"$/,
  ],
  [
    "incr, two expiries",
    (c) => c.incr("k", { expiry: "never", expiryIfCreated: "never" }),
    /^give one of expiry and expiryIfCreated$/,
  ],
  ["incrDetailed, delta", (c) => c.incrDetailed("k", { delta: 1 } as Wrong), /^delta must be a bigint/],
  ["rateLimit, no options", (c) => (c as Wrong).rateLimit("k"), /must have limit and windowMs$/],
  ["rateLimit, no window", (c) => c.rateLimit("k", { limit: 5 } as Wrong), /must have limit and windowMs$/],
  [
    "rateLimit, half a call",
    (c) => c.rateLimit("k", { limit: 0.5, windowMs: 1000 }),
    /^limit must be a whole number from 1, not the number 0.5$/,
  ],
  [
    "rateLimit, windowMs",
    (c) => c.rateLimit("k", { limit: 5, windowMs: Number.POSITIVE_INFINITY }),
    /^windowMs must be a whole number of milliseconds from 1/,
  ],
  [
    "rateLimit, window",
    (c) => c.rateLimit("k", { limit: 5, window: 1000 } as Wrong),
    /^options of rateLimit: there is no "window"/,
  ],
  ["touch, no expiry", (c) => (c as Wrong).touch("k"), /^expiry must be .*, not undefined$/],
  ["touch, keep", (c) => c.touch("k", "keep" as Wrong), /^expiry must be .*, not "keep"$/],
  [
    "incr, a number",
    (c) => c.incr("k", { delta: 1 } as Wrong),
    /^delta must be a bigint, such as 1n, not the number 1$/,
  ],
  ["incr, text", (c) => c.incr("k", { delta: "1" } as Wrong), /^delta must be a bigint/],
  ["incr, min", (c) => c.incr("k", { min: 1 } as Wrong), /^min must be a bigint/],
  ["incr, max", (c) => c.incr("k", { max: 1 } as Wrong), /^max must be a bigint/],
  ["incr, initial", (c) => c.incr("k", { initial: 1 } as Wrong), /^initial must be a bigint/],
  ["incr, 65 bits", (c) => c.incr("k", { delta: 2n ** 63n }), /^delta must be a bigint of 64 bits/],
  ["incr, requestId", (c) => c.incr("k", { requestId: "" }), /^requestId must be a string of at least one/],
  [
    "counters.incr(undefined)",
    (c) => c.counters("p:").incr(undefined as Wrong),
    /^key must be a string, not undefined$/,
  ],
  ["counters.get(null)", (c) => c.counters("p:").get(null as Wrong), /^key must be a string, not null$/],
  ["keyspace.get({})", (c) => c.keyspace("p:", utf8).get({} as Wrong), /^key must be a string, not an Object$/],
  ["keyspace.delete()", (c) => (c.keyspace("p:", utf8) as Wrong).delete(), /^key must be a string/],
  ["keyspace.touch()", (c) => (c.keyspace("p:", utf8) as Wrong).touch(), /^key must be a string/],
  [
    "keyspace.set of utf8",
    (c) => c.keyspace("p:", utf8).set("k", 5 as Wrong),
    /^value must be a string, not a number$/,
  ],
  ["keyspace.set of bytes", (c) => c.keyspace("p:", bytes).set("k", "x" as Wrong), /^value must be a Uint8Array/],
  [
    "keyspace.set of a message",
    (c) => c.keyspace("p:", protobuf(LimitsSchema)).set("k", { maxKeyBytes: "secret" } as Wrong),
    /^value must be a message of dynakv.v1.Limits, not one .*max_key_bytes cannot be encoded$/,
  ],
  ["info, unknown option", (c) => c.info({ a: 1 } as Wrong), /^options of info: there is no "a"/],
  [
    "mget of a key that is none",
    (c) => c.mget(["a", undefined as Wrong]).toMap(),
    /^keys\[1\] must be a string, not undefined$/,
  ],
  ["mget(5)", async (c) => c.mget(5 as Wrong), /^keys must be an array or another iterable of strings, not a number$/],
  ["mget, order", async (c) => c.mget([], { order: "random" } as Wrong), /^order must be "arrival" or "request"/],
  ["scan, prefix", async (c) => c.scan({ prefix: 5 } as Wrong), /^prefix must be a string/],
  ["keyspace(5)", async (c) => c.keyspace(5 as Wrong, utf8), /^prefix must be a string/],
  ["keyspace without a codec", async (c) => (c as Wrong).keyspace("p:"), /^codec must be a codec, not undefined$/],
  ["counters()", async (c) => (c as Wrong).counters(), /^prefix must be a string/],
  [
    "json of what is no schema",
    async () => json({} as Wrong),
    /^schema must be a schema of a library with Standard Schema/,
  ],
  ["protobuf of what is no schema", async () => protobuf({} as Wrong), /^schema must be the schema of a message/],
  ["celery of no client", async () => createCelery({} as Wrong), /^client must be a client of dynakv/],
  ["celery, keys", async (c) => createCelery(c, { prefix: "a" } as Wrong), /there is no "prefix", but globalKeyPrefix/],
  ["celery.task()", (c) => (createCelery(c) as Wrong).task(), /^id must be a string/],
  ["celery.task, schema", (c) => createCelery(c).task("a", { schema: 5 } as Wrong), /^schema must be a schema/],
  [
    "celery.waitForTask, baseDelayMs",
    (c) => createCelery(c).waitForTask("a", { baseDelayMs: Number.NaN }),
    /^baseDelayMs must be 0 or more/,
  ],
  ["celery.group(5)", (c) => createCelery(c).group(5 as Wrong), /^id must be a string/],
  ["taskKey(null)", async () => taskKey(null as Wrong), /^id must be a string/],
];

for (const [name, call, message] of wrong) {
  test(`${name} is a TypeError, of which nothing is sent`, async () => {
    for (const batching of [true, false]) {
      const { client, keys } = startCounting(batching);
      const error = await call(client).catch((cause: unknown) => cause);
      assert.instance(error, TypeError);
      assert.match((error as TypeError).message, message);
      assert.not.match((error as TypeError).message, /secret|se\ncret/);
      assert.equal(keys, []);
    }
  });
}

test("a wrong increment takes no other along", async () => {
  const { client } = startCounting();
  const calls = Array.from({ length: 30 }, (_, n) =>
    client.incr("hot", (n % 3 === 0 ? { delta: 1 } : { delta: 1n }) as Wrong),
  );
  const settled = await Promise.allSettled(calls);
  assert.is(settled.filter(({ status }) => status === "fulfilled").length, 20);
  assert.ok(settled.every((each) => each.status === "fulfilled" || each.reason instanceof TypeError));
});

test("options that are changed, or answer anew, after the call have no effect on it", async () => {
  const { client } = startCounting();
  const expiry = new Date(Date.now() + 60_000);
  let reads = 0;
  const options = {
    expiry,
    get delta() {
      return (reads++ === 0 ? 2n : "wrong") as bigint;
    },
  };
  const call = client.incr("k", options);
  expiry.setTime(Number.NaN);
  assert.is(await call, 2n);
});

for (const [name, make] of Object.entries({
  Node: createClient,
  "grpc-js": createGrpcJsClient,
  browsers: createWebClient,
}) as [string, (options: Wrong) => DynakvClient][]) {
  test(`${name}: options of the client are checked`, () => {
    const address = "http://127.0.0.1:1";
    for (const [options, message] of [
      [null, /^options of createClient must be an object, not null$/],
      [{ adress: address }, /^options of createClient: there is no "adress", but /],
      [{ address: 5 }, /^address must be a string, not a number$/],
      [{ address, defaultTimeoutMs: "5" }, /^defaultTimeoutMs must be 0 or more milliseconds, not a string$/],
      [{ address, retries: 5 }, /^retries must be an object, not the number 5$/],
      [{ address, retries: { max: 1 } }, /^retries: there is no "max", but maxAttempts/],
      [{ address, retries: { maxAttempts: 0 } }, /^maxAttempts must be 1 or more, not the number 0$/],
      [{ address, keepAlive: { intervalMs: 0 } }, /^intervalMs must be a number of milliseconds from 1/],
      [{ address, token: 5 }, /^token must be a string, not a number$/],
      [{ address, token: "sec ret" }, /^token must be one word of ASCII, not a string that/],
      [{ address, batching: "no" }, /^batching must be true or false/],
      [{ address, interceptors: [5] }, /^interceptors\[0\] must be a function/],
      [{ address: `${address}/?a=1` }, /has a query/],
    ] as const) {
      assert.throws(
        () => make(options),
        (error: unknown) => error instanceof TypeError && message.test(error.message),
      );
    }
  });
}

test("an address that is none does not show its password", () => {
  assert.throws(
    () => createClient({ address: "http://user:secret@ho st" }),
    (error: unknown) => error instanceof TypeError && !error.message.includes("secret"),
  );
});

test("a token that never comes ends with the deadline, and nothing was applied", async () => {
  const { client } = startCounting();
  client.close();
  const transport: Transport = createRouterTransport(() => {});
  const waiting = createClient({ transport, token: () => new Promise<string>(() => {}), defaultTimeoutMs: 50 });
  const error = await waiting.set("k", value).catch((cause: unknown) => cause as Wrong);
  assert.equal([error.reason, error.outcome], ["DEADLINE_EXCEEDED", "NOT_APPLIED"]);
});

test.run();
