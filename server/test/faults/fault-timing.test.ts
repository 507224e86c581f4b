import * as assert from "uvu/assert";
import { createTestClock } from "../../src/faults/index.js";
import { type FaultyTable, sdkFailureOf, startFaultyTable } from "../support/faulty-table.js";
import { suite } from "../support/suite.js";
import { startTestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("fault proxy: what is held, and outages");
let faulty: FaultyTable;

test.before(async () => {
  faulty = await startFaultyTable();
});

test.before.each(() => faulty.reset());

test.after(() => faulty.stop());

async function storedBecomes(key: string, wanted: number): Promise<void> {
  let seen = 0;
  await waitUntil(`the counter is ${wanted}`, () => {
    void faulty.stored(key).then((value) => {
      seen = value;
    });
    return seen === wanted;
  });
}

test("a request that hangs never reaches the engine, and ends when its client leaves", async () => {
  faulty.proxy.failNext("UpdateItem", 1, "hang");
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("hung", leave.signal));
  await waitUntil("it hangs", () => faulty.proxy.log.length === 1);
  leave.abort();
  assert.is((await call).name, "AbortError");
  assert.is(await faulty.increment("hung"), 1);
});

test("a delayed request is carried out late, though its client has left", async () => {
  faulty.proxy.failNext("UpdateItem", 1, { kind: "delay", beforeMs: 100 });
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("late", leave.signal));
  await waitUntil("it is held", () => faulty.proxy.log.length === 1);
  leave.abort();
  assert.is((await call).name, "AbortError");
  await storedBecomes("late", 1);
});

test("a request that is delayed is overtaken, and dropped when the proxy stops", async () => {
  faulty.proxy.failNext("UpdateItem", 1, { kind: "delay", beforeMs: 600_000 });
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("overtaken", leave.signal));
  await waitUntil("it is held", () => faulty.proxy.log.length === 1);
  assert.is(await faulty.increment("overtaken"), 1);
  leave.abort();
  await call;
  // The end of the suite looks for the timer.
});

test("an answer that is held belongs to a request that was carried out", async () => {
  faulty.proxy.failNext("UpdateItem", 1, { kind: "delay", afterMs: 600_000 });
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("held", leave.signal));
  await storedBecomes("held", 1);
  leave.abort();
  assert.is((await call).name, "AbortError");
});

test("an outage resets or hangs everything, until it ends", async () => {
  assert.is(await faulty.increment("outage"), 1);
  faulty.proxy.outage(true);
  assert.is((await sdkFailureOf(faulty.increment("outage"))).name, "TimeoutError");
  assert.is((await sdkFailureOf(faulty.increment("outage"))).name, "TimeoutError", "on a new connection too");
  faulty.proxy.outage({ mode: "hang" });
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("outage", leave.signal));
  setTimeout(() => leave.abort(), 50);
  assert.is((await call).name, "AbortError");
  faulty.proxy.outage(false);
  assert.is(await faulty.increment("outage"), 2);
  assert.equal([faulty.proxy.requests.get("UpdateItem"), faulty.proxy.log.length], [2, 0]);
});

test("an outage that hangs keeps back the answers to what was asked before", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  faulty.proxy.decide = async () => {
    await held;
    return undefined;
  };
  const leave = new AbortController();
  const call = sdkFailureOf(faulty.increment("before", leave.signal));
  await waitUntil("it has come", () => faulty.proxy.requests.get("UpdateItem") === 1);
  faulty.proxy.outage({ mode: "hang" });
  release();
  await storedBecomes("before", 1);
  leave.abort();
  assert.is((await call).name, "AbortError");
});

test("a test clock stands still until it is moved, and is the clock of a server", async () => {
  const clock = createTestClock(1_000);
  clock.advance(5);
  assert.is(clock(), 1_005);
  clock.jump(-10);
  assert.is(clock(), 995);
  assert.throws(() => clock.advance(-1), /jump/);
  assert.throws(() => clock.set(Number.NaN), RangeError);
  clock.set(Date.now());
  const server = await startTestServer({ clock });
  await server.client.set({
    key: "k",
    value: Buffer.from("v"),
    expiry: { policy: { case: "after", value: { seconds: 60n } } },
  });
  assert.ok((await server.client.get({ key: "k" })).entry);
  clock.advance(61_000);
  assert.is((await server.client.get({ key: "k" })).entry, undefined);
  await server.stop();
});

test.run();
