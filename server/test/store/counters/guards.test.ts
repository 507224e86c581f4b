import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import type { IncrResponse } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { idAt, remembers, sequenceAt } from "../../support/counter-memory.js";
import { failureOf } from "../../support/errors.js";
import { holdRequest, patientDeadlines } from "../../support/hold-request.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { waitUntil } from "../../support/wait-until.js";

/** A write of an increment is held back on its way to DynamoDB, and the counter is another one when it comes there. */
const test = suite("increments that meet another counter than they were sent to");
let nowMs = 1_800_000_000_000;
let server: TestServer;
let proxy: FaultProxy;
/** Another replica, whose requests go through the proxy. */
let held: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, requestSlots: 4, ...patientDeadlines });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: held } = await server.replica({ endpoint: proxy.endpoint }));
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
const value = new Uint8Array([1]);
const after = (seconds: number) => ({ policy: { case: "after", value: { seconds: BigInt(seconds) } } }) as const;

async function contentAt(key: string): Promise<bigint | string | undefined> {
  const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
  return entry?.data.case === "counter" ? entry.data.value : entry?.data.case;
}

/** What is told of a call: how the counter was found, or why it was refused. */
function toldOf(call: Promise<IncrResponse>): Promise<string> {
  return call.then(
    ({ value, replayed }) => `${replayed ? "replayed" : "counted"} ${value}`,
    (error: unknown) => failureOf(Promise.reject(error)).then(({ reason, outcome }) => `${reason} ${outcome}`),
  );
}

interface Meanwhile {
  /** Which write of the increment is held back. */
  readonly write?: readonly [operation: "UpdateItem" | "PutItem", n: number];
  readonly act: () => Promise<unknown>;
}

/** Makes an increment through the proxy, and acts while a write of it is held back. */
async function incrWhile(request: Parameters<KeyValueClient["incr"]>[0], { write, act }: Meanwhile): Promise<string> {
  const [operation, n] = write ?? ["UpdateItem", 1];
  const one = holdRequest(proxy, [operation], n);
  const told = toldOf(held.incr(request));
  await one.held();
  await act();
  one.release();
  return told;
}

for (const how of ["with an id", "without one"] as const) {
  const idOf = () => (how === "with an id" ? { requestId: idAt(nowMs) } : {});

  test(`an increment ${how} is not added to a value that was set meanwhile`, async () => {
    const key = `value ${how}`;
    await server.client.incr({ key });
    const told = await incrWhile({ key, ...idOf() }, { act: () => server.client.set({ key, value }) });
    assert.equal([told, await contentAt(key)], ["WRONG_KIND NOT_APPLIED", "value"]);
  });

  for (const [bound, delta] of [
    ["max", 5n],
    ["min", -5n],
  ] as const) {
    test(`an increment ${how} is held to its ${bound} when others have come first`, async () => {
      const key = `${bound} ${how}`;
      await server.client.incr({ key, delta: 0n });
      const request = { key, delta: delta / 5n, [bound]: delta, ...idOf() };
      const told = await incrWhile(request, { act: () => server.client.incr({ key, delta }) });
      assert.equal([told, await contentAt(key)], ["OUT_OF_BOUNDS NOT_APPLIED", delta]);
    });
  }

  test(`an increment ${how} to a counter that was deleted meanwhile starts it anew`, async () => {
    const key = `deleted ${how}`;
    await server.client.incr({ key, delta: 7n });
    const told = await incrWhile({ key, initial: 10n, ...idOf() }, { act: () => server.client.delete({ key }) });
    assert.equal([told, await contentAt(key)], ["counted 11", 11n]);
  });

  test(`an increment ${how} that starts an expired counter anew is added to one that was started meanwhile`, async () => {
    const key = `expired ${how}`;
    await server.client.incr({ key, delta: 7n, expiry: after(1) });
    nowMs += 2000;
    const told = await incrWhile(
      { key, ...idOf() },
      { write: ["UpdateItem", 2], act: () => server.client.incr({ key, delta: 2n, expiry: after(60) }) },
    );
    assert.equal([told, await contentAt(key)], ["counted 3", 3n]);
  });

  test(`an increment ${how} that starts a deleted counter anew is added to one that was started meanwhile`, async () => {
    const key = `gone ${how}`;
    await server.client.incr({ key, delta: 7n });
    await server.client.delete({ key });
    const told = await incrWhile(
      { key, ...idOf() },
      { write: ["UpdateItem", 2], act: () => server.client.incr({ key, delta: 2n }) },
    );
    assert.equal([told, await contentAt(key)], ["counted 3", 3n]);
  });

  test(`an increment ${how} that creates a counter is added to one that was created meanwhile`, async () => {
    const key = `created ${how}`;
    const told = await incrWhile(
      { key, ...idOf() },
      { write: ["PutItem", 1], act: () => server.client.incr({ key, delta: 2n }) },
    );
    assert.equal([told, await contentAt(key)], ["counted 3", 3n]);
  });

  test(`an increment ${how} leaves an attribute alone in which another program has come to keep its own`, async () => {
    const key = `taken ${how}`;
    await server.client.incr({ key });
    const theirs = { id: { S: key }, chord_count: { N: "1" }, dynakv_requests: { S: "theirs" } };
    const told = await incrWhile({ key, ...idOf() }, { act: () => server.putRaw(theirs) });
    assert.is(told, "UNREADABLE_ITEM NOT_APPLIED");
    assert.equal(await server.rawItem(key), theirs);
  });
}

test("what another program has made both a value and a counter is a value, and is not added to", async () => {
  const key = "both";
  const both = { id: { S: key }, result: { B: value }, chord_count: { N: "1" }, dynakv_requests: { M: {} } };
  await server.putRaw(both);
  assert.is(await toldOf(server.client.incr({ key })), "WRONG_KIND NOT_APPLIED");
  assert.equal((await server.rawItem(key))?.chord_count, both.chord_count);
});

test("an increment of what another program has made a counter that is no integer is told as applied", async () => {
  const key = "half";
  await server.putRaw({ id: { S: key }, chord_count: { N: "0.5" }, dynakv_requests: { M: {} } });
  assert.is(await toldOf(server.client.incr({ key })), "UNREADABLE_ITEM APPLIED");
  assert.equal((await server.rawItem(key))?.chord_count, { N: "1.5" });
});

test("an id that another replica has counted meanwhile is not counted again", async () => {
  const key = "same";
  const requestId = idAt(nowMs);
  for (const delta of [1n, 0n, -5n]) {
    const request = { key: `${key} ${delta}`, delta, requestId };
    await server.client.incr({ key: request.key, delta: 0n });
    const told = await incrWhile(request, { act: () => server.client.incr(request) });
    assert.equal([told, await contentAt(request.key)], [`replayed ${delta}`, delta]);
  }
});

test("an id that was counted and moved to the archive meanwhile is not counted again", async () => {
  const key = "moved";
  const requestId = idAt(nowMs);
  await server.client.incr({ key, delta: 0n });
  const told = await incrWhile(
    { key, requestId },
    {
      async act() {
        await server.client.incr({ key, requestId: idAt(nowMs - 2) });
        await server.client.incr({ key, requestId: idAt(nowMs - 1) });
        await server.client.incr({ key, requestId });
        // Only the youngest stays: of those that move, the one in question has the highest sequence.
        await server.client.incr({ key, requestId: idAt(nowMs + 1) });
        const floor = sequenceAt(nowMs).toString();
        await remembers(server, key, "it", (memory) => memory.floor?.N === floor);
      },
    },
  );
  assert.equal([told, await contentAt(key)], ["replayed 3", 4n]);
});

test("a late id that is counted and archived while it was looked for in vain is not counted again", async () => {
  const key = "late";
  await Promise.all(numbers(8).map((n) => server.client.incr({ key, requestId: idAt(nowMs - 20 + n) })));
  await remembers(server, key, "that some were moved", (memory) => memory.floor !== undefined);
  const requestId = idAt(nowMs - 30_000);
  const told = await incrWhile(
    { key, requestId },
    {
      // The first write finds that the id is late; the second is made after the look into the archive.
      write: ["UpdateItem", 2],
      async act() {
        await server.client.incr({ key, requestId });
        await Promise.all(numbers(8).map((n) => server.client.incr({ key, requestId: idAt(nowMs + n) })));
        const floor = sequenceAt(nowMs);
        await remembers(server, key, "what was added now", (memory) => BigInt(memory.floor?.N ?? 0) >= floor);
      },
    },
  );
  assert.equal([told, await contentAt(key)], ["replayed 9", 17n]);
});

test("an id is not added once its window has passed, though it had not when it came", async () => {
  const key = "aged";
  await server.client.incr({ key, delta: 7n });
  const told = await incrWhile(
    { key, requestId: idAt(nowMs) },
    {
      async act() {
        await server.client.delete({ key });
        nowMs += windowMs + 1000;
      },
    },
  );
  assert.equal([told, await contentAt(key)], ["REQUEST_TOO_OLD UNKNOWN", undefined]);
});

test("an increment without an id is not added after what was known of its time was dropped", async () => {
  const key = "dropped";
  const { client: keeping, server: replica } = await server.replica({ requestSlots: 64 });
  await server.client.incr({ key });
  const told = await incrWhile(
    { key },
    {
      async act() {
        // As old as the one that the server has made for it.
        await Promise.all(numbers(31).map(() => keeping.incr({ key, requestId: idAt(nowMs) })));
        nowMs += 2 * windowMs + 1000;
        await keeping.incr({ key, requestId: idAt(nowMs) });
        await remembers(server, key, "that something was dropped", (memory) => memory.lost !== undefined);
      },
    },
  );
  assert.equal([told, await contentAt(key)], ["REQUEST_TOO_OLD UNKNOWN", 33n]);
  await replica.stop();
});

test("a counter of Celery's that another replica has taken over meanwhile keeps what it remembers", async () => {
  const key = "adopted";
  const requestId = idAt(nowMs);
  await server.putRaw({ id: { S: key }, chord_count: { N: "10" } });
  const told = await incrWhile(
    { key, requestId },
    { write: ["UpdateItem", 2], act: () => server.client.incr({ key, requestId }) },
  );
  assert.equal([told, await contentAt(key)], ["replayed 11", 11n]);
});

test("a counter of Celery's that was deleted meanwhile is created", async () => {
  const key = "deleted of Celery's";
  await server.putRaw({ id: { S: key }, chord_count: { N: "10" } });
  const told = await incrWhile({ key }, { write: ["UpdateItem", 2], act: () => server.client.delete({ key }) });
  assert.equal([told, await contentAt(key)], ["counted 1", 1n]);
});

test("an expired item that has come to remember the id by a replica whose clock is behind is not replaced", async () => {
  const key = "remembers";
  const seconds = Math.floor(nowMs / 1000);
  const requestId = idAt(nowMs);
  const { client: behind, server: replica } = await server.replica({ clock: () => nowMs - 30_000 });
  await server.putRaw({ id: { S: key }, chord_count: { N: "10" }, ttl: { N: `${seconds - 3600}` } });
  const expiry = { policy: { case: "at", value: { seconds: BigInt(seconds - 10) } } } as const;
  const told = await incrWhile(
    { key, requestId },
    { write: ["PutItem", 1], act: () => behind.incr({ key, requestId, expiry }) },
  );
  assert.is(told, "replayed 1");
  await replica.stop();
});

for (const fault of ["lose-answer", "cut-answer"] as const) {
  test(`an increment that its bound keeps out of a shared write has no part in it when there is ${fault}`, async () => {
    const key = `kept-out-${fault}`;
    await server.client.incr({ key, delta: 3n });
    let updates = 0;
    // The first is held, so that two come together. The second is refused, for one of the two; the third is the other one.
    const first = holdRequest(proxy, ["UpdateItem"], 1, { alone: true });
    const hold = proxy.decide;
    proxy.decide = (request) => {
      updates += request.operation === "UpdateItem" ? 1 : 0;
      return request.operation === "UpdateItem" && updates === 3 ? fault : (hold?.(request) ?? "forward");
    };
    const ahead = held.incr({ key, delta: 0n });
    await first.held();
    const outside = toldOf(held.incr({ key, delta: -1n, max: 1n }));
    const inside = toldOf(held.incr({ key, delta: 2n }));
    await waitUntil("three updates have come", () => updates >= 3);
    first.release();
    assert.equal([await outside, await inside], ["OUT_OF_BOUNDS NOT_APPLIED", "replayed 5"]);
    await ahead;
    assert.is(await contentAt(key), 5n);
  });
}

test.run();
