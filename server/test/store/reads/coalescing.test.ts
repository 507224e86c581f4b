import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type Fault, type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { isOwnProbe } from "../../support/own-probe.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { watchUntil } from "../../support/wait-until.js";

const test = suite("coalesced reads");
let server: TestServer;
let proxy: FaultProxy;
let client: KeyValueClient;
/** The requests for reads that the replica has sent: what each was, its keys, and whether it was to be consistent. */
let reads: { operation: string; keys: string[]; strong: boolean }[];

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));
  for (let n = 0; n < 200; n++) {
    await server.client.set({ key: `k${n}`, value: Buffer.from(`v${n}`) });
  }
});

test.before.each(() => {
  proxy.reset();
  reads = [];
  decideReads(() => "forward");
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

/** Notes each read, and has `decide` choose what becomes of it. The reads of the server's own watch are passed by. */
function decideReads(decide: (keys: string[]) => Fault): void {
  proxy.decide = (request) => {
    const { operation, body } = request;
    const { Key, ConsistentRead, RequestItems } = body as {
      Key?: { id: { S: string } };
      ConsistentRead?: boolean;
      RequestItems?: Record<string, { Keys: { id: { S: string } }[]; ConsistentRead?: boolean }>;
    };
    const batch = RequestItems?.[server.table];
    const keys = (batch?.Keys ?? (operation === "GetItem" && Key !== undefined ? [Key] : [])).map(({ id }) => id.S);
    if (keys.length === 0 || isOwnProbe(request)) {
      return "forward";
    }
    reads.push({ operation, keys, strong: batch?.ConsistentRead ?? ConsistentRead ?? false });
    return decide(keys);
  };
}

async function read(key: string, strong = false, signal?: AbortSignal): Promise<string | undefined> {
  const consistency = strong ? Consistency.STRONG : Consistency.EVENTUAL;
  const { entry } = await client.get({ key, consistency }, signal === undefined ? {} : { signal });
  return entry?.data.case === "value" ? Buffer.from(entry.data.value).toString() : undefined;
}

/** Resolves once so many reads have reached the proxy. */
async function readsToArrive(count: number): Promise<void> {
  await watchUntil(`${count} reads have come`, () => reads.length >= count);
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

test("a Get alone is one GetItem", async () => {
  assert.is(await read("k1"), "v1");
  assert.equal(reads, [{ operation: "GetItem", keys: ["k1"], strong: false }]);
});

test("Gets that come together are read together, each key once, and each gets its own", async () => {
  // On a slow machine they do not all come while a read without a delay is in flight.
  decideReads(() => ({ kind: "delay", afterMs: 20 }));
  const asked = numbers(400).map((n) => `k${n % 200}`);
  const answers = await Promise.all(asked.map((key) => read(key)));
  assert.equal(
    answers,
    asked.map((key) => key.replace("k", "v")),
  );
  // How many come together depends on the machine: alone they would be 400.
  assert.ok(reads.length <= 100, `${reads.length} requests for 400 Gets`);
});

test("strong and eventual reads stay apart", async () => {
  await Promise.all(numbers(100).map((n) => read(`k${n}`, n % 2 === 0)));
  for (const { keys, strong } of reads) {
    assert.ok(keys.every((key) => Number(key.slice(1)) % 2 === (strong ? 0 : 1)));
  }
});

test("one key that many ask for is read by one request, and one more for all who came meanwhile", async () => {
  decideReads(() => ({ kind: "delay", afterMs: 20 }));
  const first = read("k7");
  await readsToArrive(1);
  const answers = await Promise.all(numbers(255).map(() => read("k7")));
  assert.is(await first, "v7");
  assert.ok(answers.every((answer) => answer === "v7"));
  // A machine that takes its time with 255 calls may take them in several times.
  assert.ok(reads.length <= 20, `${reads.length} requests for 256 Gets`);
});

for (const strong of [false, true]) {
  test(`a ${strong ? "strong" : "eventual"} Get is not answered by a read that began before it`, async () => {
    const key = `own-write-${strong}`;
    await server.client.set({ key, value: Buffer.from("old") });
    decideReads(() => (reads.length === 1 ? { kind: "delay", afterMs: 40 } : "forward"));
    const early = read(key, strong);
    await readsToArrive(1);
    await client.set({ key, value: Buffer.from("new") });
    assert.is(await read(key, strong), "new");
    await early;
    assert.is(reads.length, 2);
  });
}

test("a key that cannot be read fails alone", async () => {
  await server.putRaw({ id: { S: "foreign" }, result: { S: "a text" } });
  const asked = [...numbers(20).map((n) => `k${n}`), "foreign", "missing"];
  const answers = await Promise.all(asked.map((key) => read(key).catch((error: Error) => error)));
  for (const [n, answer] of answers.slice(0, 20).entries()) {
    assert.is(answer, `v${n}`);
  }
  assert.is((await failureOf(read("foreign"))).reason, "UNREADABLE_ITEM");
  assert.ok(answers[20] instanceof Error);
  assert.is(answers[21], undefined);
});

test("a caller who leaves takes nobody along", async () => {
  decideReads(() => ({ kind: "delay", afterMs: 20 }));
  const first = read("k0");
  await readsToArrive(1);
  const leaving = new AbortController();
  const calls = numbers(40).map((n) =>
    read(`k${n % 10}`, false, n % 2 === 0 ? leaving.signal : undefined).catch((error: Error) => error),
  );
  await readsToArrive(2);
  leaving.abort();
  for (const [n, answer] of (await Promise.all(calls)).entries()) {
    if (n % 2 === 0) {
      assert.ok(answer instanceof Error || answer === `v${n % 10}`);
    } else {
      assert.is(answer, `v${n % 10}`);
    }
  }
  await first;
});

test("reads that hang hold up nobody, not even for their own keys", async () => {
  const hung = new Set<string>();
  decideReads((keys) => {
    if (hung.size < 10 && keys.every((key) => !hung.has(key))) {
      for (const key of keys) {
        hung.add(key);
      }
      return "hang";
    }
    return "forward";
  });
  const leaving = new AbortController();
  const hanging: Promise<unknown>[] = [];
  for (let n = 0; n < 10; n++) {
    hanging.push(read(`k${n}`, false, leaving.signal).catch(() => {}));
    await readsToArrive(n + 1);
  }
  assert.is(await read("k100"), "v100");
  assert.is(await read("k3"), "v3");
  leaving.abort();
  await Promise.all(hanging);
});

test("where batches are refused, keys are read one by one", async () => {
  const { client: apart } = await server.replica({ endpoint: proxy.endpoint });
  decideReads((keys) =>
    keys.length > 1
      ? { kind: "answer", status: 400, body: { __type: "com.amazon.coral.service#AccessDeniedException" } }
      : "forward",
  );
  const answers = await Promise.all(numbers(50).map((n) => apart.get({ key: `k${n}` })));
  assert.ok(answers.every(({ entry }) => entry !== undefined));
  const refused = reads.filter(({ keys }) => keys.length > 1).length;
  assert.ok(refused >= 1);
  reads = [];
  await Promise.all(numbers(50).map((n) => apart.get({ key: `k${n}` })));
  assert.is(reads.length, 50);
});

test.run();
