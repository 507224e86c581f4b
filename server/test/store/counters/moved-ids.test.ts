import { ScanCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { createWriter } from "../../../../common/request-ids.js";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import type { Item } from "../../../src/store/dynamodb/item.js";
import { archiveItem, archivePrefix, finest } from "../../../src/store/layout/request-archive.js";
import { idAt, memoryAt, remembers, sequenceAt } from "../../support/counter-memory.js";
import { holdRequest, patientDeadlines } from "../../support/hold-request.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { settled, waitUntil } from "../../support/wait-until.js";

/** A counter's own item remembers few ids: older ones move to items of their own, and what nobody can ask for is dropped. */
const test = suite("ids that are moved out of a counter's item");
let nowMs = 1_800_000_000_000;
let server: TestServer;
let proxy: FaultProxy;
/** Another replica, whose requests go through the proxy. */
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, requestSlots: 4, ...patientDeadlines });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => {
  nowMs += 3_600_000;
});

test.after.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const windowMs = 600_000;
const numbers = (length: number) => Array.from({ length }, (_, n) => n);

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

/** Counts ids of these times, so many that all but the youngest are moved. */
async function countAndMove(key: string, times: readonly number[]): Promise<string[]> {
  const ids = times.map((ms) => idAt(ms));
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  await remembers(server, key, "that ids were moved", ({ floor }) => floor !== undefined);
  return ids;
}

async function archiveItems(): Promise<Item[]> {
  const { Items = [] } = await server.engine.client.send(new ScanCommand({ TableName: server.table }));
  return Items.filter(({ id }) => id?.S?.startsWith(archivePrefix));
}

test("an id is not counted again in a write with a younger one, when it was moved meanwhile", async () => {
  const key = "two";
  await server.client.incr({ key, delta: 0n });
  const [old, young] = [idAt(nowMs - 10), idAt(nowMs + 10)];
  const one = holdRequest(proxy, ["UpdateItem"]);
  const calls = [client.incr({ key, requestId: idAt(nowMs + 11) })];
  await one.held();
  // One goes at once, if any, and the others together, beside the writes that take so long.
  calls.push(...[idAt(nowMs + 12), old, young].map((requestId) => client.incr({ key, requestId })));
  for (const requestId of [idAt(nowMs - 12), idAt(nowMs - 11), old, idAt(nowMs - 9)]) {
    await server.client.incr({ key, requestId });
  }
  await remembers(server, key, "the older of the two", ({ floor }) => floor?.N === sequenceAt(nowMs - 10).toString());
  one.release();
  const [, , again] = await Promise.all(calls);
  assert.equal([again?.value, again?.replayed, await countAt(key)], [3n, true, 7n]);
});

test("an increment whose id may have been moved waits for another such one, and then counts", async () => {
  const key = "in turn";
  await countAndMove(key, [nowMs - 3, nowMs - 2, nowMs - 1, nowMs]);
  // The first write of each is refused, since its id is late; the second is made after the look into the archive.
  const second = holdRequest(proxy, ["UpdateItem"], 2, { alone: true });
  const ahead = client.incr({ key, requestId: idAt(nowMs - 30_000) });
  await second.held();
  const behind = client.incr({ key, requestId: idAt(nowMs - 20_000) }, { timeoutMs: 60_000 });
  await waitUntil("the other one has found that it is late", () => proxy.requests.get("UpdateItem") === 3);
  await settled(() => proxy.requests.get("UpdateItem") ?? 0);
  second.release();
  const values = [(await ahead).value, (await behind).value];
  assert.equal([values, await countAt(key)], [[5n, 6n], 6n]);
});

test("who trims an item does not lower what another replica has raised meanwhile", async () => {
  const key = "floor";
  const ids = [idAt(nowMs), idAt(nowMs + 1), idAt(nowMs + 2)];
  for (const requestId of ids) {
    await server.client.incr({ key, requestId });
  }
  // The increment, what it moves to the archive, and what it then removes.
  const trim = holdRequest(proxy, ["UpdateItem"], 3, { alone: true });
  await client.incr({ key, requestId: idAt(nowMs + 3) });
  await trim.held();
  const others = numbers(6).map((n) => idAt(nowMs + 4 + n));
  for (const requestId of others) {
    await server.client.incr({ key, requestId });
  }
  await remembers(server, key, "later ones", ({ floor }) => BigInt(floor?.N ?? 0) > sequenceAt(nowMs + 4));
  const { floor } = await memoryAt(server, key);
  trim.release();
  for (const [n, requestId] of [...ids, ...others].entries()) {
    const { replayed } = await client.incr({ key, requestId });
    assert.ok(replayed, `id ${n}`);
  }
  assert.ok(BigInt((await memoryAt(server, key)).floor?.N ?? 0) >= BigInt(floor?.N ?? 0));
  assert.is(await countAt(key), 10n);
});

test("an id of a server's own is not dropped when its writer has come back meanwhile", async () => {
  const key = "writer";
  const { client: keeping, server: replica } = await server.replica({ requestSlots: 64 });
  await keeping.incr({ key });
  const names = Object.keys(await memoryAt(server, key));
  const writer = names.find((name) => names.includes(`${name}=`)) ?? "";
  await Promise.all(numbers(16).map(() => keeping.incr({ key, requestId: idAt(nowMs) })));
  nowMs += 2 * windowMs + 1000;
  const trim = holdRequest(proxy, ["UpdateItem"], 2, { alone: true });
  await client.incr({ key, requestId: idAt(nowMs) });
  await trim.held();
  await keeping.incr({ key });
  trim.release();
  await client.incr({ key, requestId: idAt(nowMs) });
  await remembers(server, key, "that something was dropped", ({ lost }) => lost !== undefined);
  assert.is((await memoryAt(server, key))[writer]?.N, sequenceAt(nowMs).toString());
  await replica.stop();
});

test("what could not be written to the archive stays where it is", async () => {
  const key = "refused";
  proxy.decide = ({ operation, body }) =>
    operation === "UpdateItem" && JSON.stringify(body.Key).includes(archivePrefix) ? "refuse" : "forward";
  const ids = numbers(12).map((n) => idAt(nowMs + n));
  for (const requestId of ids) {
    await client.incr({ key, requestId });
  }
  for (const [n, requestId] of ids.entries()) {
    const { value, replayed } = await server.client.incr({ key, requestId });
    assert.equal([value, replayed], [BigInt(n + 1), true]);
  }
});

test("what DynamoDB leaves unprocessed of the archive is asked for again", async () => {
  const key = "unprocessed";
  // Ids that are so close lie in a fine item, which is among the last that are asked for.
  const ids = await countAndMove(key, [nowMs - 3, nowMs - 2, nowMs - 1, nowMs]);
  for (const [n, requestId] of ids.entries()) {
    proxy.failNext("BatchGetItem", 2, { kind: "unprocessed", share: 0.7 });
    const { value, replayed } = await client.incr({ key, requestId });
    assert.equal([value, replayed], [BigInt(n + 1), true]);
  }
});

test("whether an id was counted is read strongly", async () => {
  const key = "strong";
  const ids = await countAndMove(key, [nowMs - 3, nowMs - 2, nowMs - 1, nowMs]);
  const reads: unknown[] = [];
  proxy.decide = ({ operation, body }) => {
    if (operation === "GetItem" && JSON.stringify(body.Key).includes(key)) {
      reads.push(body.ConsistentRead);
    } else if (operation === "BatchGetItem") {
      reads.push(...Object.values(body.RequestItems as Record<string, Item>).map((each) => each.ConsistentRead));
    }
    return "forward";
  };
  for (const requestId of [...ids, idAt(nowMs - 100)]) {
    await client.incr({ key, requestId });
  }
  await client.delete({ key });
  await client.incr({ key, requestId: idAt(nowMs + 1) });
  assert.ok(reads.length > 0, "nothing was read");
  assert.equal(new Set(reads), new Set([true]));
});

test("an archive item lives for two windows after any id in it", async () => {
  const times = [nowMs - 20_000, nowMs - 15_000, nowMs - 10_000, nowMs];
  await countAndMove("lives", times);
  // By their names: a server may be about to make items of what another test has counted.
  const names = new Set(
    times.flatMap((ms) =>
      Array.from({ length: finest + 1 }, (_, level) => archiveItem("lives", sequenceAt(ms), level, windowMs).key),
    ),
  );
  const made = (await archiveItems()).filter(({ id }) => names.has(id?.S ?? ""));
  assert.ok(made.length > 0, "there is none");
  for (const { ttl } of made) {
    assert.ok(Number(ttl?.N) * 1000 >= nowMs - 10_000 + 2 * windowMs, `${ttl?.N}`);
  }
});

test("a deleted counter is remembered for two windows after its youngest id, and no longer", async () => {
  for (const [name, write] of [
    ["a set", (key: string) => server.client.set({ key, value: new Uint8Array([1]) })],
    ["a delete", (key: string) => server.client.delete({ key })],
  ] as const) {
    const key = `kept through ${name}`;
    const requestId = idAt(nowMs);
    await server.client.incr({ key, requestId });
    await server.client.delete({ key });
    nowMs += 2 * windowMs - 1;
    await write(key);
    assert.ok(Object.keys(await memoryAt(server, key)).length > 0, `${name} before`);
    nowMs += 1001;
    await write(key);
    assert.equal(await memoryAt(server, key), {}, `${name} after`);
  }
});

test("an id is answered for two windows by a replica whose clock is behind", async () => {
  const key = "behind";
  const { client: behind, server: replica } = await server.replica({ clock: () => nowMs - windowMs });
  const { client: keeping, server: other } = await server.replica({ requestSlots: 64 });
  const ids = numbers(31).map(() => idAt(nowMs));
  await Promise.all(ids.map((requestId) => keeping.incr({ key, requestId })));
  nowMs += 2 * windowMs - 1000;
  await keeping.incr({ key, requestId: idAt(nowMs) });
  await keeping.incr({ key, requestId: idAt(nowMs) });
  for (const requestId of ids) {
    assert.ok((await behind.incr({ key, requestId })).replayed);
  }
  await replica.stop();
  await other.stop();
});

test("ids of writers that are alike in time are each remembered by their own name", async () => {
  const key = "alike";
  const ids = await countAndMove(key, [nowMs, nowMs, nowMs, nowMs, nowMs]);
  const unknown = `${ids[0]?.slice(0, 19)}${createWriter()}`;
  assert.is((await client.incr({ key, requestId: unknown })).value, 6n);
  assert.ok((await client.incr({ key, requestId: ids[0] ?? "" })).replayed);
});

test.run();
