import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { waitUntil, withLongEnoughDeadline } from "../../server/test/support/wait-until.js";
import { createClient, type DynakvClient, DynakvError, type SetEntry, utf8, type WriteResult } from "../src/index.js";
import { ErrorDetailSchema, ErrorReason, KeyValueService, Outcome } from "../src/schema.js";
import { createEachClient } from "./support/each-client.js";
import { startFaultyNetwork } from "./support/faulty-network.js";

const test = suite("many writes");
let server: TestServer;
let clients: readonly DynakvClient[];

test.before(async () => {
  server = await startTestServer();
  clients = createEachClient(server.url);
});

test.after(async () => {
  for (const client of clients) {
    client.close();
  }
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const entries = (prefix: string, count: number): SetEntry[] =>
  Array.from({ length: count }, (_, n) => ({ key: `${prefix}${n}`, value: bytes(`v${n}`) }));

async function all<T>(results: AsyncIterable<WriteResult<T>>): Promise<WriteResult<T>[]> {
  const found: WriteResult<T>[] = [];
  for await (const result of results) {
    found.push(result);
  }
  return found.sort((one, other) => one.index - other.index);
}

test("over each client an mset answers each position once, and an mdelete removes what it stored", async () => {
  for (const [n, client] of clients.entries()) {
    const many = entries(`many ${n} `, 20);
    const results = await all(client.mset(many));
    assert.equal(
      results.map(({ index, key }) => [index, key]),
      many.map(({ key }, index) => [index, key]),
    );
    const stored = await client.mget(many.map(({ key }) => key)).toMap();
    assert.ok(results.every(({ key, answer }) => stored.get(key)?.etag === answer.etag));
    const deleting = client.mdelete(
      (async function* () {
        yield* many.map(({ key }) => key);
        yield "none";
      })(),
      { returnEntries: true },
    );
    const deleted = await all(deleting);
    assert.equal(deleted.filter(({ answer }) => answer.existed).length, 20);
    assert.is(deleted[7]?.answer.entry?.etag, results[7]?.answer.etag);
    assert.equal({ ...deleting.progress }, { asked: 21, answered: 21, succeeded: 21, failed: 0 });
  }
});

test("each entry has its own condition, expiry, kind and error; those of one key are written in order", async () => {
  const [client] = clients as [DynakvClient];
  const { etag } = await client.set("own a", bytes("old"));
  const results = await all(
    client.mset(
      [
        { key: "own a", value: bytes("new"), ifEtag: etag, expiry: { seconds: 60 } },
        { key: "own b", value: bytes("x"), ifPresent: true },
        { key: "own c", counter: 7n },
        { key: "", value: bytes("x") },
        { key: "own d", value: new Uint8Array(500_000) },
        { key: "own a", value: bytes("newest") },
      ],
      { returnPrevious: true },
    ),
  );
  assert.equal(
    results.map(({ error }) => error && [error.reason, error.outcome]),
    [
      undefined,
      ["NOT_PRESENT", "NOT_APPLIED"],
      undefined,
      ["INVALID_KEY", "NOT_APPLIED"],
      ["VALUE_TOO_LARGE", "NOT_APPLIED"],
      undefined,
    ],
  );
  assert.is(results[0]?.answer.previous?.etag, etag);
  assert.is(results[5]?.answer.previous?.etag, results[0]?.answer.etag);
  assert.ok(results[0]?.answer.expireTime instanceof Date);
  assert.is(await client.incr("own c"), 8n);
  assert.throws(
    () => results[1]?.answer,
    (error: unknown) => error instanceof DynakvError,
  );
  const [gone, kept] = await all(
    client.mdelete([
      { key: "own a", ifEtag: "other" },
      { key: "own c", ifPresent: true },
    ]),
  );
  assert.equal([gone?.error?.reason, kept?.answer.existed], ["ETAG_MISMATCH", true]);
});

test("awaited, an mset resolves when each is stored, and rejects with the first error when each is answered", async () => {
  const [client] = clients as [DynakvClient];
  assert.equal(await client.mset(entries("awaited", 5)), { asked: 5, answered: 5, succeeded: 5, failed: 0 });
  const failing = client.mset([{ key: "", value: bytes("x") }, ...entries("also", 3)]);
  const error = await Promise.resolve(failing).catch((cause: unknown) => cause);
  assert.is((error as DynakvError).reason, "INVALID_KEY");
  assert.equal({ ...failing.progress }, { asked: 4, answered: 4, succeeded: 3, failed: 1 });
  assert.is(await client.has("also2"), true);
});

test("keyspaces and counters write many, and what was there comes back as their type", async () => {
  const [client] = clients as [DynakvClient];
  const names = client.keyspace("names:", utf8);
  await names.mset([
    { key: "a", value: "Ada" },
    { key: "b", value: "Bob" },
  ]);
  await client.setCounter("names:c", 1n);
  const replaced = await all(
    names.mset(
      ["a", "b", "c"].map((key) => ({ key, value: `new ${key}` })),
      { returnPrevious: true },
    ),
  );
  assert.equal(
    replaced.map(({ key, error, ...each }) => error?.outcome ?? [key, each]),
    [["a", { index: 0 }], ["b", { index: 1 }], "APPLIED"],
  );
  assert.equal([replaced[0]?.answer.previous?.value, replaced[0]?.answer.previous?.key], ["Ada", "a"]);
  await client.counters("hits:").mset([{ key: "x", counter: 5n }]);
  const [hit] = await all(client.counters("hits:").mdelete(["x"], { returnEntries: true }));
  assert.is(hit?.answer.entry, 5n);
});

test("an array with a wrong entry is refused as a whole; of another iterable what came before is written", async () => {
  const [client] = clients as [DynakvClient];
  // biome-ignore lint/suspicious/noExplicitAny: what is wrong does not compile otherwise
  const wrong: any[] = [
    [null, /^entries\[1\]: an entry must be an object, not null$/],
    [{ key: "k", value: "secret" }, /^entries\[1\]: value must be a Uint8Array, not a string$/],
    [{ key: "k" }, /^entries\[1\]: value must be a Uint8Array, not undefined$/],
    [{ key: "k", value: bytes(""), ttl: 5 }, /^entries\[1\]: an entry: there is no "ttl"/],
    [{ value: bytes("") }, /^entries\[1\]: key must be a string, not undefined$/],
    [{ key: "k", value: bytes(""), counter: 1n }, /^entries\[1\]: give a value or a counter$/],
    [{ key: "k", value: bytes(""), ifAbsent: true, ifPresent: true }, /^entries\[1\]: give one of/],
  ];
  for (const [entry, message] of wrong) {
    assert.throws(() => client.mset([{ key: "early", value: bytes("x") }, entry]), message);
  }
  assert.throws(
    () => client.mset(5 as never),
    /^entries must be an array or another iterable of entries, not a number$/,
  );
  assert.throws(() => client.mset([], { idempotent: true, returnPrevious: true }), /^give one of/);
  assert.throws(() => client.mset([], { stream: 5 } as never), /^options of mset: there is no "stream"/);
  assert.throws(() => client.mdelete(["a", 5 as never]), /^keys\[1\]: it must be a string, or \{ key \}/);
  assert.throws(() => client.mdelete([{ key: "a", expiry: "never" } as never]), /^keys\[0\]: it: there is no "expiry"/);
  assert.is(await client.has("early"), false);

  async function* source() {
    yield* entries("before ", 10);
    await waitUntil("what came before is written", () => client.has("before 9", { consistency: "strong" }));
    yield null as never;
  }
  const results: WriteResult<unknown>[] = [];
  const error = await (async () => {
    for await (const result of client.mset(source(), { idempotent: true })) {
      results.push(result);
    }
  })().catch((cause: unknown) => cause);
  assert.match((error as TypeError).message, /^entries\[10\]: an entry must be an object/);
  assert.equal(
    results.flatMap(({ error }) => (error === undefined ? [] : [`${error.reason} ${error.message}`])),
    [],
  );
  assert.is(results.length, 10);
});

/** A client of a service whose MSets do so, one after another, and of the keys that each was asked for. */
function scripted(scripts: readonly ((keys: readonly string[]) => AsyncIterable<[number, Error?]>)[]) {
  const asked: string[][] = [];
  const transport = createRouterTransport(({ service }) => {
    service(KeyValueService, {
      async *mSet(request) {
        const keys = request.entries.map(({ key }) => key);
        asked.push(keys);
        const script = scripts[asked.length - 1] ?? answerAll;
        for await (const [index, error] of script(keys)) {
          const key = keys[index] ?? "";
          yield {
            results: [
              error === undefined
                ? { index, key, result: { case: "stored" as const, value: { etag: `e ${key}` } } }
                : { index, key, result: { case: "error" as const, value: error as object } },
            ],
          };
        }
      },
    });
  });
  const client = createClient({ transport, retries: { baseDelayMs: 1, maxDelayMs: 2 } });
  return { client, asked };
}

async function* answerAll(keys: readonly string[]): AsyncGenerator<[number, Error?]> {
  yield* keys.map((_, index): [number] => [index]);
}

const lost = () => new ConnectError("read ECONNRESET", Code.Aborted);
async function* answerOneAndBreak(): AsyncGenerator<[number, Error?]> {
  yield [1];
  throw lost();
}
const throttled = (outcome: Outcome, retryable: boolean): Error =>
  ({
    code: Code.ResourceExhausted,
    message: "throttled",
    detail: { reason: ErrorReason.THROTTLED, outcome, retryable },
  }) as unknown as Error;

test("what a broken stream leaves unanswered is unknown, and is written again only where that is harmless", async () => {
  const once = scripted([answerOneAndBreak]);
  const results = await all(once.client.mset(entries("k", 3)));
  assert.equal(
    results.map(({ error }) => error && [error.reason, error.outcome, error.retryable]),
    [["UNREACHABLE", "UNKNOWN", false], undefined, ["UNREACHABLE", "UNKNOWN", false]],
  );
  assert.is(once.asked.length, 1);
  const again = scripted([answerOneAndBreak]);
  await again.client.mset(entries("k", 3), { idempotent: true });
  assert.equal(again.asked, [
    ["k0", "k1", "k2"],
    ["k0", "k2"],
  ]);
});

test("a position that was not applied is written again, and one that was in doubt stays so when it is refused", async () => {
  const { client, asked } = scripted([
    async function* () {
      yield [0, throttled(Outcome.NOT_APPLIED, true)];
      yield [1, throttled(Outcome.UNKNOWN, false)];
      yield [2];
    },
  ]);
  const results = await all(client.mset(entries("k", 3)));
  assert.equal(
    results.map(({ error }) => error?.outcome),
    [undefined, "UNKNOWN", undefined],
  );
  assert.equal(asked, [["k0", "k1", "k2"], ["k0"]]);

  const refused = Object.assign(throttled(Outcome.NOT_APPLIED, false), { code: Code.FailedPrecondition });
  const doubtful = scripted([
    answerOneAndBreak,
    async function* () {
      yield [0, refused];
      yield [1];
    },
  ]);
  const [first] = await all(doubtful.client.mset(entries("k", 3), { idempotent: true }));
  assert.is(first?.error?.outcome, "UNKNOWN");
});

test("a server that is refused before it is asked has written nothing, and is asked again", async () => {
  const shedding = new ConnectError("shed", Code.ResourceExhausted);
  shedding.details = [
    {
      desc: ErrorDetailSchema,
      value: { reason: ErrorReason.OVERLOADED, outcome: Outcome.NOT_APPLIED, retryable: true },
    },
  ];
  const { client, asked } = scripted([
    // biome-ignore lint/correctness/useYield: it is refused as a whole
    async function* () {
      throw shedding;
    },
  ]);
  await client.mset(entries("k", 3));
  assert.is(asked.length, 2);
});

test("a stream that meets the deadline first ends the loop with it, too, when each entry has its result", async () => {
  const { client } = scripted([
    async function* (keys) {
      yield [keys.length - 1];
      throw new ConnectError("the deadline has passed", Code.DeadlineExceeded);
    },
  ]);
  const results: WriteResult<unknown>[] = [];
  const error = await (async () => {
    for await (const result of client.mset(entries("k", 3))) {
      results.push(result);
    }
  })().catch((cause: unknown) => cause as DynakvError);
  assert.equal([error?.reason, error?.outcome], ["DEADLINE_EXCEEDED", "UNKNOWN"]);
  assert.is(results.filter((result) => result.error?.reason === "DEADLINE_EXCEEDED").length, 2);
});

test("when the deadline passes each entry that was taken has a result, and then the loop ends with it", async () => {
  await withLongEnoughDeadline(async (timeoutMs) => {
    const { client } = scripted([
      async function* (keys) {
        yield [keys.length - 1];
        await new Promise(() => {});
      },
    ]);
    const results: WriteResult<unknown>[] = [];
    const error = await (async () => {
      for await (const result of client.mset(entries("k", 5), { timeoutMs })) {
        results.push(result);
      }
    })().catch((cause: unknown) => cause as DynakvError);
    assert.is(error?.reason, "DEADLINE_EXCEEDED");
    if (results.every((result) => result.error !== undefined)) {
      return false;
    }
    assert.equal(results.map((result) => result.error?.outcome).sort(), [
      "UNKNOWN",
      "UNKNOWN",
      "UNKNOWN",
      "UNKNOWN",
      undefined,
    ]);
    return true;
  });
});

test("over connections that are reset nothing is lost or told twice", async () => {
  const network = await startFaultyNetwork(server.url);
  const client = createClient({ address: network.url });
  try {
    const many = entries("reset ", 200);
    const seen = new Set<number>();
    for await (const { index, error } of client.mset(many, { idempotent: true })) {
      assert.is(error, undefined);
      assert.not(seen.has(index));
      seen.add(index);
      if (seen.size === 20 || seen.size === 100) {
        network.reset();
      }
    }
    assert.is(seen.size, many.length);
  } finally {
    client.close();
    await network.stop();
  }
});

test.run();
