import * as assert from "uvu/assert";
import { ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { createMemoryBudget } from "../../src/admission/memory-budget.js";
import { createRetryBudget } from "../../src/store/dynamodb/retry.js";
import { createSdkDataPlane } from "../../src/store/dynamodb/sdk-data-plane.js";
import { createItemSizes } from "../../src/store/reads/item-sizes.js";
import { readMany } from "../../src/store/reads/read-many.js";
import type { ReadRoom, StoreContext } from "../../src/store/store-context.js";
import { writeMany } from "../../src/store/writes/write-many.js";
import { type ObservedServer, seriesValue, startObservedServer } from "../support/observed-server.js";
import { reaperContext } from "../support/reaper-context.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

/** Memory, and room among what runs. */
const test = suite("what is held for calls");
let server: ObservedServer;

test.before(async () => {
  server = await startObservedServer({ overload: "off" });
});

test.after(() => server.stop());

const value = new Uint8Array(100_000);
const keys = Array.from({ length: 12 }, (_, n) => `large:${n}`);
const entries = keys.map((key) => ({ key, value }));

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) {
    // Nothing is kept.
  }
}

/** Reads one message, and leaves. Connect goes on with a call of which no more is read. */
async function readOne(begin: (options: { signal: AbortSignal }) => AsyncIterable<unknown>): Promise<void> {
  const leave = new AbortController();
  for await (const _ of begin({ signal: leave.signal })) {
    leave.abort();
    break;
  }
}

const calls: Record<string, (client: ObservedServer["client"]) => Promise<unknown>> = {
  "a Get of a large value": (client) => client.get({ key: "large:0" }),
  "an MGet that is read whole": (client) => readAll(client.mGet({ keys })),
  "an MGet in the order of its keys": (client) => readAll(client.mGet({ keys, order: ResultOrder.REQUEST })),
  "an MGet whose reader leaves": (client) => readOne((options) => client.mGet({ keys }, options)),
  "a Scan that is read whole": (client) => readAll(client.scan({})),
  "a Scan whose reader leaves": (client) => readOne((options) => client.scan({}, options)),
  "an MSet that returns what was there": (client) =>
    readAll(client.mSet({ entries: entries.map((entry) => ({ ...entry, returnPrevious: true })) })),
  "an MDelete whose reader leaves": (client) =>
    readOne((options) => client.mDelete({ keys, returnEntries: true }, options)),
};

async function held(): Promise<number> {
  const page = await server.page();
  assert.match(page, /^dynakv_memory_held_bytes /m);
  return seriesValue(page, "dynakv_memory_held_bytes");
}

for (const [name, call] of Object.entries(calls)) {
  test(`${name} has given all memory back once it has ended`, async () => {
    await readAll(server.client.mSet({ entries }));
    const before = await held();
    await call(server.client);
    await waitUntil("no more is held than before", async () => (await held()) <= before);
  });
}

test("what many writes return to a reader who has left is held no more", async () => {
  let held = 0;
  const readRoom: ReadRoom = {
    tryHold: () => true,
    hold: async () => {},
    holdAnyhow(bytes) {
      held += bytes;
    },
    release(bytes) {
      held -= bytes;
    },
  };
  const context = { batchConcurrency: 1, batchSlots: { tryTake: () => false, giveBack() {} }, readRoom };
  const answers: (() => void)[] = [];
  const write = (index: number) => new Promise<void>((resolve) => answers.splice(index, 0, resolve));
  const input = { keys: ["taken", "left lying", "late"], write, bytesOf: () => 10 };
  const results = writeMany(context as unknown as StoreContext, input, { signal: new AbortController().signal });
  const first = results.next();
  answers[0]?.();
  await first;
  answers[1]?.();
  await new Promise(setImmediate);
  assert.is(held, 10);
  const end = results.return(undefined);
  answers[2]?.();
  await end;
  await new Promise(setImmediate);
  assert.is(held, 0);
});

test("an MGet whose reader waits keeps no room among what runs for the reads that have ended", async () => {
  let taken = 0;
  let most = 0;
  const batchSlots = {
    tryTake() {
      most = Math.max(most, ++taken);
      return true;
    },
    giveBack() {
      taken--;
    },
  };
  const context = {
    ...reaperContext(server, 600_000, Date.now),
    dynamodb: createSdkDataPlane(server.engine.client),
    budget: createRetryBudget(),
    readRoom: createMemoryBudget({ limit: 64_000_000 }).reads,
    itemSizes: createItemSizes(),
    batchConcurrency: 8,
    batchSlots,
  } as unknown as StoreContext;
  const missing = Array.from({ length: 250 }, (_, n) => `missing:${n}`);
  const input = { keys: missing, ordered: false, check: () => undefined };
  const results = readMany(context, input, { strong: false, signal: new AbortController().signal });
  await results.next();
  await waitUntil("none is kept", () => taken === 0);
  assert.is(most, 1);
  await results.return(undefined);
});

test.run();
