import * as assert from "uvu/assert";
import { type FaultProxy, startFaultProxy } from "../../server/src/faults/index.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { patientTimeout } from "../../server/test/support/hold-request.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { settled, waitUntil } from "../../server/test/support/wait-until.js";
import { createClient, type DynakvClient, type Entry, type MGetResult } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("mget");
let server: TestServer;
let proxy: FaultProxy;
let client: DynakvClient;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  client = createClient({ address: url, ...patientTimeout });
  await Promise.all(Array.from({ length: 60 }, (_, n) => client.set(`k${n}`, Buffer.from(String(n)))));
  await client.incr("counter", { delta: 7n });
});

test.before.each(() => proxy.reset());

test.after(async () => {
  client.close();
  await proxy.stop();
  await server.stop();
});

const reads = () => proxy.requests.get("BatchGetItem") ?? 0;

/** k0 to k59 are there, k60 to k89 are not, and so on again. */
function* manyKeys(length: number): Generator<string> {
  for (let n = 0; n < length; n++) {
    yield `k${n % 90}`;
  }
}

function check({ index, key, entry }: MGetResult): void {
  assert.is(key, `k${index % 90}`);
  const found = entry?.kind === "value" ? Buffer.from(entry.value).toString() : undefined;
  assert.is(found, index % 90 < 60 ? String(index % 90) : undefined);
}

for (const order of ["arrival", "request"] as const) {
  test(`keys of a generator over many requests are answered once each: order '${order}'`, async () => {
    const length = 20_001;
    const seen = new Uint8Array(length);
    const results = client.mget(manyKeys(length), { order, streams: 3 });
    let next = 0;
    for await (const result of results) {
      check(result);
      seen[result.index] = (seen[result.index] ?? 0) + 1;
      if (order === "request") {
        assert.is(result.index, next++);
      }
    }
    assert.ok(seen.every((times) => times === 1));
    assert.equal(results.progress, {
      asked: length,
      answered: length,
      found: 13_341,
      missing: 6660,
      failed: 0,
    });
  });
}

test("batches bring the same results, and leaving them cancels the mget", async () => {
  const length = 5000;
  const seen = new Uint8Array(length);
  const results = client.mget(manyKeys(length));
  for await (const batch of results.batches()) {
    for (const result of batch) {
      check(result);
      seen[result.index] = (seen[result.index] ?? 0) + 1;
    }
  }
  assert.ok(seen.every((times) => times === 1));
  assert.is(results.progress.answered, length);
  assert.throws(() => results[Symbol.asyncIterator](), /can be iterated once/);

  const { progress, ...left } = client.mget(manyKeys(length));
  for await (const batch of left.batches()) {
    assert.ok(batch.length > 0);
    break;
  }
  assert.ok(progress.answered < length);

  const texts = client.keyspace("k", { encode: (text: string) => Buffer.from(text), decode: (bytes) => bytes.length });
  const lengths: (number | undefined)[] = [];
  for await (const batch of texts.mget(["7", "17", "counter"]).batches()) {
    lengths.push(...batch.map(({ entry }) => entry?.value));
  }
  assert.equal(lengths.sort(), [1, 2, undefined]);
});

test("what is asked for ahead comes in its order, and an entry is the same each time it is asked for", async () => {
  const results = client.mget(manyKeys(300), { order: "request" })[Symbol.asyncIterator]();
  const ahead = Array.from({ length: 301 }, () => results.next());
  const indexes = (await Promise.all(ahead)).map(({ done, value }) => (done === true ? "end" : value.index));
  assert.equal(indexes, [...Array(300).keys(), "end"]);

  for await (const result of client.mget(["k1"])) {
    assert.is(result.entry, result.entry);
    assert.equal(Object.keys(result.entry ?? {}).sort(), ["etag", "expireTime", "key", "kind", "value", "writeTime"]);
    assert.is(result.entry?.kind === "value" && result.entry.value.constructor, Uint8Array);
  }
});

test("values that are kept stay what they were while others are read, in whichever order and whoever leaves", async () => {
  const storedAt = (n: number) => Buffer.alloc(1500 + n * 7, `value ${n} `);
  const keys = Array.from({ length: 200 }, (_, n) => `large${n}`);
  await fillTable(server, keys, (key) => storedAt(keys.indexOf(key)).toString());
  const kept = new Map<string, Entry>();
  const read = async (order: "arrival" | "request", most: number) => {
    for await (const { key, entry } of client.mget([...keys, ...keys], { order })) {
      assert.ok(entry);
      kept.set(`${key} ${order} ${most}`, entry);
      if (kept.size % 200 === most) {
        break;
      }
    }
  };
  const rounds = [0, 1, 2].flatMap((most) => [read("arrival", most), read("request", most)]);
  const gets = Promise.all(keys.map(async (key) => kept.set(`${key} get`, (await client.get(key)) as Entry)));
  await Promise.all([...rounds, gets]);
  for (const [name, entry] of kept) {
    const n = Number(/\d+/.exec(name)?.[0]);
    assert.is(entry.kind === "value" && Buffer.compare(entry.value, storedAt(n)), 0, name);
  }
});

test("entries come into a map, counters too", async () => {
  const map = await client.mget(["k1", "counter", "none"]).toMap();
  assert.equal([...map.keys()].sort(), ["counter", "k1"]);
  const counter = map.get("counter");
  assert.is(counter?.kind === "counter" && counter.counter, 7n);
  assert.is((await client.mget([]).toMap()).size, 0);
});

test("keys that come slowly are answered as they come, and the source is closed", async () => {
  let isClosed = false;
  const asked: string[] = [];
  let give: (key: string) => void = () => {};
  async function* slowly(): AsyncGenerator<string> {
    try {
      for (;;) {
        yield await new Promise<string>((resolve) => {
          give = resolve;
        });
      }
    } finally {
      isClosed = true;
    }
  }
  setImmediate(() => give("k1"));
  for await (const { key } of client.mget(slowly())) {
    asked.push(key);
    if (asked.length === 3) {
      break;
    }
    setImmediate(() => give(`k${asked.length + 1}`));
  }
  assert.equal(asked, ["k1", "k2", "k3"]);
  give("k4");
  await waitUntil("the source was closed", () => isClosed);
});

test("a source that hangs does not hold a call whose deadline has passed", async () => {
  const hanging = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }) };
  const error = await errorOf(client.mget(hanging, { timeoutMs: 50 }).toMap());
  assert.is(error.reason, "DEADLINE_EXCEEDED");
});

test("what a source throws comes out", async () => {
  const thrown = new Error("the source's own");
  function* failing(): Generator<string> {
    yield "k1";
    throw thrown;
  }
  assert.is(
    await client
      .mget(failing())
      .toMap()
      .catch((error: unknown) => error),
    thrown,
  );
  assert.match(
    String(
      await client
        .mget([1 as unknown as string])
        .toMap()
        .catch(String),
    ),
    "keys[0] must be a string, not a number",
  );
  assert.throws(() => client.mget("k1"), /keys must be an array or another iterable of strings, not a string/);
  assert.throws(() => client.mget([], { streams: 0 }), /streams must be a whole number from 1 to 100/);
});

test("results are read once", async () => {
  const results = client.mget(["k1"]);
  await results.toMap();
  assert.match(String(await results.toMap().catch(String)), "can be iterated once");
});

for (const order of ["arrival", "request"] as const) {
  test(`leaving the loop stops the server's reads: order '${order}'`, async () => {
    let taken = 0;
    function* distinct(): Generator<string> {
      for (let n = 0; n < 1_000_000; n++) {
        taken++;
        yield `distinct-${n}`;
      }
    }
    let seen = 0;
    for await (const _ of client.mget(distinct(), { order })) {
      if (++seen === 10) {
        break;
      }
    }
    const made = await settled(reads);
    // Four streams of 4,000 keys and the next ones are what is in flight at a time.
    assert.ok(made < 250, `${made} reads were made of 10,000`);
    assert.ok(taken < 30_000, `${taken} keys were taken`);
  });
}

test("a slow reader slows the reads", async () => {
  for await (const _ of client.mget(Array.from({ length: 200_000 }, (_, n) => `slow-${n}`))) {
    const made = await settled(reads);
    assert.ok(made < 500, `${made} reads were made of 2,000`);
    break;
  }
});

test("keys that the server could not read are asked for again, and only they", async () => {
  for (const order of ["arrival", "request"] as const) {
    proxy.reset();
    const throttled = {
      kind: "answer",
      status: 400,
      body: { __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException" },
    };
    let failures = 30;
    proxy.decide = ({ operation }) =>
      operation === "BatchGetItem" && failures-- > 0 ? (throttled as never) : "forward";
    const results = client.mget(manyKeys(9000), { order });
    let answered = 0;
    for await (const result of results) {
      check(result);
      answered++;
    }
    assert.is(answered, 9000);
    assert.ok(failures < 0);
  }
});

test("a key that cannot be read is an error of its own, and never a missing one", async () => {
  await server.putRaw({ id: { S: "odd" }, result: { S: "text" } });
  const seen: (string | undefined)[] = [];
  const results = client.mget(["k1", "odd", "none", "x".repeat(3000)], { order: "request" });
  for await (const result of results) {
    seen.push(result.error?.reason);
    if (result.error !== undefined) {
      assert.throws(
        () => result.entry,
        (error: unknown) => error === result.error,
      );
    }
  }
  assert.equal(seen, [undefined, "UNREADABLE_ITEM", undefined, "INVALID_KEY"]);
  assert.equal(results.progress, { asked: 4, answered: 4, found: 1, missing: 1, failed: 2 });
  assert.is((await errorOf(client.mget(["odd"]).toMap())).reason, "UNREADABLE_ITEM");
});

test.run();
