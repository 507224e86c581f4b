import * as assert from "uvu/assert";
import { type FaultProxy, startFaultProxy } from "../../server/src/faults/index.js";
import { fillTable } from "../../server/test/support/fill-table.js";
import { patientTimeout } from "../../server/test/support/hold-request.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { settled, waitUntil } from "../../server/test/support/wait-until.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient, type DynakvClient, type ScanPage, utf8 } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("scan");
/** Two pages of the server's, and some. */
const many = 1200;
const allKeys = Array.from({ length: many }, (_, n) => `k${n}`).sort();
let server: TestServer;
let proxy: FaultProxy;
let clients: readonly DynakvClient[];

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  clients = [
    createClient({ address: url, ...patientTimeout }),
    createGrpcJsClient({ address: url, ...patientTimeout }),
  ];
  await fillTable(server, allKeys);
});

test.before.each(() => proxy.reset());

test.after(async () => {
  for (const client of clients) {
    client.close();
  }
  await proxy.stop();
  await server.stop();
});

const scans = () => proxy.requests.get("Scan") ?? 0;

async function keysOf(results: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of results) {
    keys.push(key);
  }
  return keys;
}

test("brings every key once, with what it holds", async () => {
  for (const client of clients) {
    const keys: string[] = [];
    for await (const { key, entry } of client.scan()) {
      keys.push(key);
      assert.is(entry.kind === "value" && Buffer.from(entry.value).toString(), key);
    }
    assert.equal(keys.sort(), allKeys);
  }
});

test("goes on after the cursor of any page", async () => {
  const [client] = clients as [DynakvClient];
  const pages: ScanPage[] = [];
  for await (const page of client.scan({ prefix: "k1" }).pages()) {
    pages.push(page);
  }
  const keys = pages.flatMap(({ results }) => results.map(({ key }) => key));
  const { results, cursor } = pages[0] as ScanPage;
  const left = await keysOf(client.scan({ prefix: "k1", cursor }));
  assert.equal(left, keys.slice(results.length));
  assert.ok(left.length > 0);
});

test("a stream that breaks is taken up where it broke", async () => {
  const [client] = clients as [DynakvClient];
  const whole = await keysOf(client.scan());
  const requests = scans();
  proxy.reset();
  // More failures than the server puts up with, after its second page.
  const failing = [3, 4, 5, 6, 7];
  proxy.decide = ({ operation }) => (operation === "Scan" && failing.includes(scans()) ? "refuse" : "forward");
  assert.equal(await keysOf(client.scan()), whole);
  assert.is(scans() - failing.length, requests);
});

test("what cannot pass comes out, and so does the deadline", async () => {
  const [client] = clients as [DynakvClient];
  const error = await errorOf(keysOf(client.scan({ cursor: "none" })));
  assert.equal([error.reason, error.field, error.outcome], ["INVALID_FIELD", "cursor", undefined]);
  proxy.decide = ({ operation }) => (operation === "Scan" ? "hang" : "forward");
  assert.is((await errorOf(keysOf(client.scan({ timeoutMs: 50 })))).reason, "DEADLINE_EXCEEDED");
});

test("whoever leaves ends the scan, also while a read is pending", async () => {
  for (const client of clients) {
    for await (const { key } of client.scan()) {
      assert.type(key, "string");
      break;
    }
    const left = client.scan().pages()[Symbol.asyncIterator]();
    await left.next();
    await left.return?.();
    assert.equal(await left.next(), { done: true, value: undefined });
    await settled(scans);
    proxy.reset();
    proxy.decide = ({ operation }) => (operation === "Scan" ? "hang" : "forward");
    const pages = client.scan().pages()[Symbol.asyncIterator]();
    const pending = errorOf(pages.next());
    await waitUntil("a read is pending", () => scans() > 0);
    assert.is(await settled(scans), 1);
    await pages.return?.();
    assert.is((await pending).reason, "CANCELED");
    assert.equal(await pages.next(), { done: true, value: undefined });
    proxy.reset();
  }
});

test("a keyspace scans its own keys, without their prefix, and tells what does not fit", async () => {
  const [client] = clients as [DynakvClient];
  const names = client.keyspace("name:", utf8);
  await names.set("1", "Ada");
  await client.set("name:2", Uint8Array.of(0xff));
  await client.incr("name:3", { delta: 5n });
  const found: Record<string, unknown> = {};
  for await (const result of names.scan()) {
    found[result.key] = result.error?.reason ?? result.entry.value;
  }
  assert.equal(found, { 1: "Ada", 2: "UNDECODABLE", 3: "WRONG_KIND" });
  const counters: unknown[] = [];
  for await (const { key, entry } of client.counters("name:").scan({ prefix: "3" })) {
    counters.push([key, entry]);
  }
  assert.equal(counters, [["3", 5n]]);
});

test.run();
