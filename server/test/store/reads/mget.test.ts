import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type MGetResult, ResultOrder } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type Fault, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { fillTable } from "../../support/fill-table.js";
import { isFullRun } from "../../support/full-run.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";
import { settled, waitUntil } from "../../support/wait-until.js";

const test = suite("mget");
let server: TestServer;
const most = isFullRun ? 1_000_000 : 200_000;

test.before(async () => {
  server = await startTestServer();
  const keys = Array.from({ length: 1000 }, (_, n) => `key-${n}`);
  await fillTable(server, keys, (key) => key.replace("key", "value"));
});

test.after(() => server.stop());

async function collect(keys: string[], order: ResultOrder = ResultOrder.ARRIVAL): Promise<MGetResult[]> {
  const results: MGetResult[] = [];
  for await (const message of server.client.mGet({ keys, order })) {
    assert.ok(message.results.length > 0);
    results.push(...message.results);
  }
  return results;
}

function textOf({ result }: MGetResult): string | undefined {
  return result.case === "entry" && result.value.data.case === "value"
    ? Buffer.from(result.value.data.value).toString()
    : result.case;
}

/** What a position must answer. */
const expected = (key: string) => (Number(key.slice(4)) < 1000 ? key.replace("key", "value") : "missing");

test("no keys are answered by an empty stream", async () => {
  assert.equal(await collect([]), []);
});

test("each of 100,000 positions is answered exactly once, missing and repeated ones too", async () => {
  // 1,500 keys of which a third is missing, each about 67 times.
  const keys = Array.from({ length: 100_000 }, (_, n) => `key-${(n * 7919) % 1500}`);
  const results = await collect(keys);
  assert.is(results.length, keys.length);
  const seen = new Uint8Array(keys.length);
  for (const result of results) {
    seen[result.index] = (seen[result.index] ?? 0) + 1;
    assert.is(result.key, keys[result.index]);
    assert.is(textOf(result), expected(result.key));
  }
  assert.ok(seen.every((times) => times === 1));
});

test(`one key, and a bad one, may each be asked for at half of ${most} positions`, async () => {
  const keys = Array.from({ length: most }, (_, n) => (n % 2 === 0 ? "key-7" : ""));
  const cases = { entry: 0, error: 0 };
  for await (const { results } of server.client.mGet({ keys })) {
    for (const { index, result } of results) {
      assert.is(result.case, index % 2 === 0 ? "entry" : "error");
      cases[index % 2 === 0 ? "entry" : "error"]++;
    }
  }
  assert.equal(cases, { entry: most / 2, error: most / 2 });
});

test("results come in the order of the request when that is asked for", async () => {
  const keys = Array.from({ length: 2500 }, (_, n) => `key-${(n * 13) % 1200}`);
  const results = await collect(keys, ResultOrder.REQUEST);
  assert.equal(
    results.map(({ index }) => index),
    keys.map((_, index) => index),
  );
  assert.equal(results.map(textOf), keys.map(expected));
});

test("one bad key fails its own positions alone", async () => {
  const bad = ["", "x".repeat(2049)];
  for (const order of [ResultOrder.ARRIVAL, ResultOrder.REQUEST]) {
    const results = await collect(["key-1", bad[0] ?? "", "key-2", bad[1] ?? "", ""], order);
    results.sort((a, b) => a.index - b.index);
    assert.equal(results.map(textOf), ["value-1", "error", "value-2", "error", "error"]);
    const error = results[3]?.result;
    assert.is(error?.case === "error" && error.value.code, 3);
    assert.match(error?.case === "error" ? error.value.message : "", "2049 bytes; a key has 1 to 2048");
  }
});

test("an item that is neither value nor counter fails its own position alone", async () => {
  await server.putRaw({ id: { S: "foreign" }, other: { S: "x" } });
  const results = await collect(["key-1", "foreign"], ResultOrder.REQUEST);
  assert.equal(results.map(textOf), ["value-1", "error"]);
});

test("an unknown order or consistency is a bad request", async () => {
  assert.is((await failureOf(server.client.mGet({ keys: ["a"], order: 9 as ResultOrder }))).field, "order");
  assert.is((await failureOf(server.client.get({ key: "a", consistency: 9 as 0 }))).field, "consistency");
});

test("values that exceed one batch answer are all answered", async () => {
  const value = Buffer.alloc(300_000, 1);
  const keys = Array.from({ length: 40 }, (_, n) => `large-${n}`);
  await Promise.all(keys.map((key) => server.client.set({ key, value })));
  for (const order of [ResultOrder.ARRIVAL, ResultOrder.REQUEST]) {
    const results = await collect([...keys, "none", ...keys], order);
    const indexes = results.map(({ index }) => index);
    assert.equal(order === ResultOrder.REQUEST ? indexes : indexes.sort((a, b) => a - b), [...Array(81).keys()]);
    assert.ok(results.every(({ key, result }) => result.case === (key === "none" ? "missing" : "entry")));
  }
});

test("a reader that leaves stops the reads", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { client, server: replica } = await server.replica({ endpoint: proxy.endpoint });
  // Most are held until the reader has left, however slow or fast the machine is.
  let letGo: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  proxy.decide = async ({ operation, n }): Promise<Fault> => {
    if (operation === "BatchGetItem" && n > 3) {
      await held;
    }
    return "forward";
  };
  const keys = Array.from({ length: 50_000 }, (_, n) => `key-${n}`);
  const leave = new AbortController();
  const failure = await failureOf(
    (async function* () {
      for await (const message of client.mGet({ keys }, { signal: leave.signal })) {
        leave.abort();
        yield message;
      }
    })(),
  );
  assert.is(failure.code, "Canceled");
  const reads = () => proxy.requests.get("BatchGetItem") ?? 0;
  const atOnce = await settled(reads);
  letGo();
  // Of what would be 500.
  const more = (await settled(reads)) - atOnce;
  assert.ok(more <= 1, `${more} reads were made after the reader had left`);
  await replica.stop();
  await proxy.stop();
});

test("two reads of an MGet are in flight from the beginning", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { client, server: replica } = await server.replica({ endpoint: proxy.endpoint });
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on("warning", warn);
  // What is not answered for long is asked for again.
  const different = new Set<string>();
  let letGo: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  proxy.decide = async ({ operation, body }): Promise<Fault> => {
    if (operation === "BatchGetItem") {
      different.add(JSON.stringify(body));
      await held;
    }
    return "forward";
  };
  const keys = Array.from({ length: 250 }, (_, n) => `key-${n}`);
  const answered = (async () => {
    let results = 0;
    for await (const message of client.mGet({ keys })) {
      results += message.results.length;
    }
    return results;
  })();
  try {
    await waitUntil("two have come", () => different.size === 2);
  } finally {
    letGo();
    assert.is(await answered, 250);
    process.off("warning", warn);
    await replica.stop();
    await proxy.stop();
  }
  assert.equal(warnings, [], "Node takes the listeners of both for a leak");
});

test("a deadline ends the stream with a typed error, though the reader waits on", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url, server: replica } = await server.replica({ endpoint: proxy.endpoint });
  proxy.decide = ({ operation }) => (operation === "BatchGetItem" ? "hang" : "forward");
  // No client of a library makes this call: its own timer would end it.
  const response = await fetch(`${url}/dynakv.v1.KeyValueService/MGet`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": "50" },
    body: JSON.stringify({ keys: ["key-1", "key-2"] }),
  });
  assert.match(await response.text(), /"code":"deadline_exceeded".*"reason":"ERROR_REASON_DEADLINE_EXCEEDED"/);
  await replica.stop();
  await proxy.stop();
});

for (const isStrong of [false, true]) {
  test(`an MGet that is to be ${isStrong ? "strong" : "eventual"} asks DynamoDB for it, repeated keys and what was left over too`, async () => {
    const proxy = await startFaultProxy({ target: server.engine.endpoint });
    const { client, server: replica } = await server.replica({ endpoint: proxy.endpoint });
    const asked = new Set<unknown>();
    const consistency = isStrong ? Consistency.STRONG : Consistency.EVENTUAL;
    proxy.decide = ({ operation, body, n }) => {
      for (const part of Object.values((body.RequestItems ?? {}) as Record<string, { ConsistentRead?: boolean }>)) {
        asked.add(part.ConsistentRead ?? false);
      }
      return operation === "BatchGetItem" && n === 1 ? { kind: "unprocessed", share: 0.5 } : "forward";
    };
    let answered = 0;
    try {
      for await (const { results } of client.mGet({ keys: ["key-1", "key-2", "key-1", "key-3"], consistency })) {
        answered += results.length;
      }
    } finally {
      await replica.stop();
      await proxy.stop();
    }
    assert.is(answered, 4);
    assert.ok((proxy.requests.get("BatchGetItem") ?? 0) > 1);
    assert.equal([...asked], [isStrong]);
  });
}

test.run();
