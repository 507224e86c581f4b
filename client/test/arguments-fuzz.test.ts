import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { type Celery, createCelery, taskKey } from "../src/celery.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { bytes, createClient, json, protobuf, utf8 } from "../src/index.js";
import { LimitsSchema } from "../src/schema.js";
import { createClient as createWebClient } from "../src/web.js";
import { startCounting, transferred } from "./support/counting-service.js";

const test = suite("arguments of every type");

// biome-ignore lint/suspicious/noExplicitAny: what is wrong does not compile otherwise
type Wrong = any;

const value = new Uint8Array(1);

/** Values of every type of JavaScript. */
const anything: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1.5,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0n,
  1n,
  -(2n ** 64n),
  10n ** 400n,
  "",
  "k",
  "\ud800",
  "x".repeat(10_000),
  "never",
  "keep",
  "strong",
  Symbol("s"),
  Symbol.iterator,
  {},
  { seconds: 1 },
  { seconds: {} },
  { delta: 1 },
  { delta: 1n },
  { headers: 5 },
  { signal: null },
  { __proto__: null },
  Object.create({ delta: 1 }),
  {
    get delta() {
      throw new Error("a getter's own");
    },
  },
  { toString: null },
  { constructor: 1 },
  { timeoutMs: -1 },
  { expiry: "x" },
  { schema: {} },
  [],
  [1],
  ["k"],
  [["a", "b"]],
  [undefined],
  new Array(3),
  () => {},
  async () => {},
  function* () {
    yield 1;
  },
  class {},
  new (class Own {
    delta = 1;
  })(),
  new Date(),
  new Date(Number.NaN),
  /x/,
  new Map([["a", 1]]),
  new Set(["k"]),
  new WeakMap(),
  new Error("e"),
  Promise.resolve("k"),
  new Uint8Array(3),
  new Uint16Array(3),
  new ArrayBuffer(3),
  new SharedArrayBuffer(3),
  new DataView(new ArrayBuffer(1)),
  Buffer.from("b"),
  transferred(),
  Object(1),
  Object(1n),
  Object("k"),
  Object(Symbol("s")),
  Object.freeze({}),
  new AbortController().signal,
  new Headers(),
  new URL("http://a"),
  new Intl.NumberFormat(),
  globalThis.process,
  new Proxy(
    {},
    {
      get() {
        throw new Error("a proxy's own");
      },
      ownKeys() {
        throw new Error("a proxy's own");
      },
    },
  ),
  new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error("a proxy's own");
      },
    },
  ),
  { [Symbol.iterator]: 5 },
  { [Symbol.iterator]: () => ({}) },
  {
    *[Symbol.iterator]() {
      yield 5;
    },
  },
  {
    async *[Symbol.asyncIterator]() {
      yield null;
    },
  },
]; // prettier-ignore

test("whatever is given, there is a TypeError or a result, and other calls are answered", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  const { client } = startCounting();
  const celery: Celery = createCelery(client);
  const methods: Record<string, (...given: Wrong[]) => unknown> = {
    "client.get": client.get,
    "client.set": client.set,
    "client.delete": client.delete,
    "client.incr": client.incr,
    "client.touch": client.touch,
    "client.info": client.info,
    "client.mget": async (...given: [Wrong]) => client.mget(...given).toMap(),
    "client.scan": async (...given: [Wrong]) => readAll(client.scan(...given)),
    "client.scan.pages": async (...given: [Wrong]) => readAll(client.scan(...given).pages()),
    "client.keyspace": async (...given: [Wrong, Wrong]) => client.keyspace(...given).prefix,
    "client.counters": async (...given: [Wrong]) => client.counters(...given).prefix,
    "celery.task": celery.task,
    "celery.waitForTask": (id: Wrong, options: Wrong) =>
      celery.waitForTask(
        id,
        typeof options === "object" && options !== null && !("delta" in Object(options)) ? options : { timeoutMs: 1 },
      ),
    "celery.group": celery.group,
    "celery.chordCount": celery.chordCount,
    taskKey: async (...given: [Wrong]) => taskKey(...given),
    json: async (...given: [Wrong]) => json(...given),
    protobuf: async (...given: [Wrong]) => protobuf(...given),
    createCelery: async (...given: [Wrong]) => createCelery(...given),
    createClient: async (...given: [Wrong]) => createClient(...given).close(),
    "createClient over grpc-js": async (...given: [Wrong]) => createGrpcJsClient(...given).close(),
    "createClient of browsers": async (...given: [Wrong]) => createWebClient(...given).close(),
  };
  for (const [of, space] of Object.entries({
    "keyspace of utf8": client.keyspace("p:", utf8),
    "keyspace of bytes": client.keyspace("p:", bytes),
    "keyspace of JSON": client.keyspace("p:", json()),
    "keyspace of messages": client.keyspace("p:", protobuf(LimitsSchema)),
    counters: client.counters("p:"),
  }) as [string, Wrong][]) {
    for (const method of ["get", "set", "delete", "touch", "incr"]) {
      if (space[method] !== undefined) {
        methods[`${of}.${method}`] = space[method];
      }
    }
    methods[`${of}.mget`] = async (...given) => space.mget(...given).toMap();
    methods[`${of}.scan`] = async (...given) => readAll(space.scan(...given));
  }
  const odd: string[] = [];
  for (const [name, method] of Object.entries(methods)) {
    // What only waits, by rights, for a task that never ends is given no other arguments.
    const givens = name === "celery.waitForTask" ? [["id"]] : [[], ["k"], ["k", value], ["k", "never"]];
    for (const before of givens) {
      for (const given of anything) {
        const innocent = [client.get("innocent"), client.incr("innocent"), client.incr("innocent")];
        const signal = AbortSignal.timeout(10_000);
        const wait = name === "celery.waitForTask" && (given === undefined || isTimeless(given));
        const call = wait ? undefined : Promise.resolve().then(() => method(...before, given));
        const hung = new Promise((resolve) => signal.addEventListener("abort", () => resolve("hung")));
        const error = await Promise.race([
          call?.then(
            () => undefined,
            (cause: unknown) => cause,
          ),
          hung,
        ]);
        if (error !== undefined && !(error instanceof TypeError) && !isDeadline(error) && !isOwn(error)) {
          odd.push(`${name}(${before.length} right, then ${typeof given}): ${error}`);
        }
        await Promise.all(innocent);
      }
    }
  }
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  assert.equal(odd, []);
  assert.equal(unhandled, []);
});

/** Waits for ever, as it is told to. */
function isTimeless(given: unknown): boolean {
  return typeof given === "object" && given !== null;
}

/** A deadline of -1 has passed, which is no wrong argument. */
function isDeadline(error: unknown): boolean {
  return (error as Wrong)?.reason === "DEADLINE_EXCEEDED";
}

/** What the caller's own code throws, such as a source of keys, comes out as it is. */
function isOwn(error: unknown): boolean {
  return /'s own/.test(String((error as Wrong)?.message));
}

async function readAll(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results) {
    // Only the end matters.
  }
}

test.run();
