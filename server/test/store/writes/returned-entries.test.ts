import type { MessageInitShape } from "@bufbuild/protobuf";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { Consistency, type Entry } from "../../../../gen/dynakv/v1/entry_pb.js";
import type { SetRequestSchema } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy, throttling } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("entries that writes return");
// Within a second, so that expiries are, too.
let nowMs = 1_800_000_000_400;
let server: TestServer;
let proxy: FaultProxy;
/** Of a replica that reaches the engine through the proxy. */
let faulty: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: faulty } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const after = (ms: number) =>
  ({ policy: { case: "after", value: { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 } } }) as const;
const never = { policy: { case: "never", value: {} } } as const;
const keep = { policy: { case: "keep", value: {} } } as const;
const holds = (etag: string) => ({ test: { case: "ifEtag", value: etag } }) as const;
const present = { test: { case: "ifPresent", value: {} } } as const;
const absent = { test: { case: "ifAbsent", value: {} } } as const;

const dataOf = (entry: Entry | undefined) =>
  entry?.data.case === "value" ? Buffer.from(entry.data.value).toString() : entry?.data.value;
const current = async (key: string) => (await server.client.get({ key, consistency: Consistency.STRONG })).entry;

/** What may lie at a key, how it got there, and what a write that replaces or removes it is told. */
const states: Record<string, { make: (key: string) => Promise<unknown>; told: string | bigint | undefined }> = {
  nothing: { make: async () => {}, told: undefined },
  "a value": { make: (key) => server.client.set({ key, value: bytes("old") }), told: "old" },
  "an empty value": { make: (key) => server.client.set({ key, value: bytes("") }), told: "" },
  "a counter": { make: (key) => server.client.incr({ key, delta: 7n }), told: 7n },
  "a counter of Celery's": { make: (key) => server.putRaw({ id: { S: key }, chord_count: { N: "3" } }), told: 3n },
  "a value of Celery's": { make: (key) => server.putRaw({ id: { S: key }, result: { B: bytes("c") } }), told: "c" },
  "a foreign item": { make: (key) => server.putRaw({ id: { S: key }, other: { S: "x" } }), told: undefined },
  "a deleted counter": {
    async make(key) {
      await server.client.incr({ key, requestId: createRequestId(nowMs) });
      await server.client.delete({ key });
    },
    told: undefined,
  },
  "an expired value": {
    async make(key) {
      await server.client.set({ key, value: bytes("old"), expiry: after(100) });
      nowMs += 100;
    },
    told: undefined,
  },
  "an expired counter": {
    async make(key) {
      await server.client.incr({ key, expiry: after(100) });
      nowMs += 100;
    },
    told: undefined,
  },
};

type SetInit = MessageInitShape<typeof SetRequestSchema>;
const sets: Record<string, (key: string) => SetInit> = {
  "a Set": (key) => ({ key, value: bytes("new") }),
  "a Set of a counter": (key) => ({ key, counter: 0n }),
  "a Set that keeps the expiry": (key) => ({ key, value: bytes("new"), expiry: keep }),
};

let keys = 0;
for (const [state, { make, told }] of Object.entries(states)) {
  for (const [what, requestFor] of Object.entries(sets)) {
    test(`${what} over ${state} returns it, and no more is asked of DynamoDB`, async () => {
      const key = `set-${keys++}`;
      await make(key);
      const before = state === "a foreign item" ? undefined : await current(key);
      const { etag, previous } = await server.client.set({ ...requestFor(key), returnPrevious: true });
      assert.is(dataOf(previous), told);
      assert.equal(previous, before);
      const now = await current(key);
      assert.is(now?.etag, etag);
      assert.is(dataOf(now), requestFor(key).counter ?? "new");
    });
  }

  test(`a Delete of ${state} returns it once`, async () => {
    const key = `delete-${keys++}`;
    await make(key);
    const before = state === "a foreign item" ? undefined : await current(key);
    const { existed, entry } = await server.client.delete({ key, returnEntry: true });
    assert.is(existed, told !== undefined || state === "a foreign item");
    assert.is(dataOf(entry), told);
    assert.equal(entry, before);
    assert.equal(await server.client.delete({ key, returnEntry: true }), { ...(await server.client.delete({ key })) });
  });

  test(`a Touch of ${state} returns it as it is then`, async () => {
    const key = `touch-${keys++}`;
    await make(key);
    const touched = await server.client.touch({ key, expiry: after(60_250), returnEntry: true });
    assert.is(dataOf(touched.entry), told);
    assert.is(touched.existed, told !== undefined || state === "a foreign item");
    if (touched.entry !== undefined) {
      assert.equal(touched.entry, await current(key));
      assert.equal([touched.entry.etag, touched.entry.expireTime], [touched.etag, touched.expireTime]);
      assert.is(touched.expireTime?.nanos, ((nowMs + 60_250) % 1000) * 1e6);
    }
  });
}

test("nothing is returned that was not asked for", async () => {
  await server.client.set({ key: "unasked", value: bytes("1") });
  assert.is((await server.client.set({ key: "unasked", value: bytes("2") })).previous, undefined);
  assert.is((await server.client.touch({ key: "unasked", expiry: never })).entry, undefined);
  assert.is((await server.client.delete({ key: "unasked" })).entry, undefined);
});

test("a condition that fails changes nothing, and returns nothing but its etag", async () => {
  const key = "refused";
  const { etag } = await server.client.set({ key, value: bytes("1") });
  for (const call of [
    () => server.client.set({ key, value: bytes("2"), returnPrevious: true, condition: absent }),
    () => server.client.set({ key, counter: 2n, returnPrevious: true, condition: holds("other") }),
    () => server.client.delete({ key, returnEntry: true, condition: holds("other") }),
    () => server.client.touch({ key, returnEntry: true, expiry: never, condition: holds("other") }),
  ]) {
    const failure = await failureOf(call());
    assert.equal([failure.outcome, failure.currentEtag], ["NOT_APPLIED", etag]);
  }
  assert.is((await current(key))?.etag, etag);
  const swapped = await server.client.set({ key, value: bytes("2"), returnPrevious: true, condition: holds(etag) });
  assert.is(dataOf(swapped.previous), "1");
  const taken = await server.client.delete({ key, returnEntry: true, condition: present });
  assert.is(dataOf(taken.entry), "2");
  const made = await server.client.set({ key, value: bytes("3"), returnPrevious: true, condition: absent });
  assert.is(made.previous, undefined);
});

for (const [what, makeOver] of Object.entries({
  "a value": (key: string) => server.client.set({ key, value: bytes("old") }),
  "a counter": (key: string) => server.client.incr({ key }),
})) {
  const operation = what === "a value" ? "PutItem" : "UpdateItem";

  test(`a Set over ${what} whose answer is lost says that it was applied, and never returns its own value`, async () => {
    const key = `lost-${what}`;
    await makeOver(key);
    proxy.failNext(operation, 1, "lose-answer");
    const failure = await failureOf(faulty.set({ key, value: bytes("new"), returnPrevious: true }));
    assert.equal(
      [failure.code, failure.reason, failure.outcome, failure.retryable],
      ["Unavailable", "BACKEND_UNAVAILABLE", "APPLIED", false],
    );
    assert.is(dataOf(await current(key)), "new");
    // Who does not ask what was there is told that it was stored, as ever.
    await server.client.delete({ key });
    await makeOver(key);
    proxy.failNext(operation, 1, "lose-answer");
    await faulty.set({ key, value: bytes("again") });
  });
}

test("a Set of which nobody knows whether it was applied, or that was not, says so", async () => {
  const key = "unknown";
  await server.client.set({ key, value: bytes("old") });
  proxy.failNext("PutItem", 1, "refuse");
  assert.is((await failureOf(faulty.set({ key, value: bytes("new"), returnPrevious: true }))).outcome, "UNKNOWN");
  assert.is(dataOf(await current(key)), "old");
});

test("a Set with if_absent has replaced nothing, also when its answer is lost", async () => {
  const key = "lost-absent";
  proxy.failNext("PutItem", 1, "lose-answer");
  const { etag, previous } = await faulty.set({ key, value: bytes("v"), returnPrevious: true, condition: absent });
  assert.equal([previous, (await current(key))?.etag], [undefined, etag]);
});

test("an answer without the item that must have been there is taken for none", async () => {
  const { etag } = await server.client.set({ key: "hollow-value", value: bytes("old") });
  const makes: [operation: string, write: () => Promise<unknown>, outcome: string][] = [];
  const write = (key: string, condition?: { test: { case: "ifEtag"; value: string } }) => ({
    set: () => faulty.set({ key, value: bytes("new"), returnPrevious: true, ...(condition && { condition }) }),
    take: () => faulty.delete({ key, returnEntry: true, ...(condition && { condition }) }),
  });
  await server.client.incr({ key: "hollow-counter", requestId: createRequestId(nowMs) });
  makes.push(["PutItem", write("hollow-value", holds(etag)).set, "APPLIED"]);
  makes.push(["UpdateItem", write("hollow-counter").set, "APPLIED"]);
  for (const [operation, call, outcome] of makes) {
    proxy.failNext(operation, 1, "empty-object");
    assert.is((await failureOf(call())).outcome, outcome, operation);
  }
  await server.client.incr({ key: "hollow-taken", requestId: createRequestId(nowMs) });
  const set = await server.client.set({ key: "hollow-job", value: bytes("job") });
  for (const [operation, call] of [
    ["UpdateItem", write("hollow-taken").take],
    ["DeleteItem", write("hollow-job", holds(set.etag)).take],
  ] as const) {
    proxy.failNext(operation, 1, "empty-object");
    assert.is((await failureOf(call())).outcome, "UNKNOWN", operation);
  }
});

test("a Delete whose answer is lost is unknown, and returns nothing", async () => {
  const key = "lost-delete";
  await server.client.set({ key, value: bytes("old") });
  proxy.failNext("DeleteItem", 1, "lose-answer");
  assert.is((await failureOf(faulty.delete({ key, returnEntry: true }))).outcome, "UNKNOWN");
});

test("a Touch whose answer is lost finds what it has done, and returns the entry", async () => {
  const key = "lost-touch";
  await server.client.set({ key, value: bytes("old") });
  proxy.failNext("UpdateItem", 1, "lose-answer");
  const { entry } = await faulty.touch({ key, expiry: after(1500), returnEntry: true });
  assert.equal(entry, await current(key));
  assert.is(dataOf(entry), "old");
});

test("what a condition has found alive is returned, though it expires while the write is tried again", async () => {
  const writes = {
    PutItem: async (key: string) =>
      (await faulty.set({ key, value: bytes("new"), condition: present, returnPrevious: true })).previous,
    DeleteItem: async (key: string) => (await faulty.delete({ key, condition: present, returnEntry: true })).entry,
  };
  for (const [written, write] of Object.entries(writes)) {
    await server.client.set({ key: written, value: bytes("old"), expiry: after(100) });
    let refused = 0;
    proxy.decide = ({ operation }) => {
      if (operation === written && refused++ === 0) {
        nowMs += 100;
        return throttling("TableWriteProvisionedThroughputExceeded");
      }
      return "forward";
    };
    assert.is(dataOf(await write(written)), "old", written);
    assert.is(refused, 2);
  }
});

test("of 20 callers that take an entry one is given it, and of 20 that swap it each another", async () => {
  await server.client.set({ key: "job", value: bytes("job") });
  const takes = await Promise.all(
    Array.from({ length: 20 }, () => server.client.delete({ key: "job", returnEntry: true })),
  );
  assert.is(takes.filter(({ entry }) => entry !== undefined).length, 1);
  await server.client.set({ key: "swapped", value: bytes("first") });
  const swaps = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      server.client.set({ key: "swapped", value: bytes(`${n}`), returnPrevious: true }),
    ),
  );
  const seen = swaps.map(({ previous }) => dataOf(previous));
  assert.is(new Set([...seen, dataOf(await current("swapped"))]).size, 21);
});

test("a session slides only when it has little time left, and writes nothing else", async () => {
  const key = "session";
  const { etag } = await server.client.set({ key, value: bytes("s"), expiry: after(4000) });
  const slide = { key, expiry: after(4000), returnEntry: true, ifRemainingBelow: { seconds: 1n } };
  proxy.requests.clear();
  nowMs += 3000;
  const early = await faulty.touch(slide);
  assert.equal([early.existed, early.unchanged, early.etag, dataOf(early.entry)], [true, true, etag, "s"]);
  assert.equal(early.expireTime, (await current(key))?.expireTime);
  assert.is(proxy.requests.get("UpdateItem"), undefined);
  nowMs += 1;
  const late = await faulty.touch(slide);
  assert.equal([late.existed, late.unchanged, dataOf(late.entry)], [true, false, "s"]);
  assert.is.not(late.etag, etag);
  assert.is(late.expireTime?.nanos, (nowMs % 1000) * 1e6);
  assert.is(proxy.requests.get("UpdateItem"), 1);
  // Without an end it has long to live, whatever the new one.
  await server.client.touch({ key, expiry: never });
  assert.is((await faulty.touch(slide)).unchanged, true);
  assert.is((await faulty.touch({ ...slide, key: "no-session" })).existed, false);
  const failure = await failureOf(faulty.touch({ ...slide, condition: holds("other") }));
  assert.equal([failure.reason, failure.outcome], ["ETAG_MISMATCH", "NOT_APPLIED"]);
  for (const ifRemainingBelow of [{ seconds: 0n }, { seconds: -1n }, { seconds: 1n, nanos: -1 }]) {
    const { code, field } = await failureOf(faulty.touch({ ...slide, ifRemainingBelow }));
    assert.equal([code, field], ["InvalidArgument", "if_remaining_below"]);
  }
});

test("of many that slide a session at once few write it", async () => {
  const key = "crowded-session";
  await server.client.set({ key, value: bytes("s"), expiry: after(4000) });
  nowMs += 3500;
  const slide = { key, expiry: after(4000), returnEntry: true, ifRemainingBelow: { seconds: 1n } };
  const touched = await Promise.all(Array.from({ length: 30 }, () => server.client.touch(slide)));
  assert.is(touched.filter(({ unchanged }) => !unchanged).length, 1);
  assert.is(new Set(touched.map(({ etag }) => etag)).size, 1);
  assert.ok(touched.every(({ entry }) => dataOf(entry) === "s"));
});

test("a counter that is set counts on from there, and knows the increments from before", async () => {
  const key = "set-counter";
  const requestId = createRequestId(nowMs);
  const first = await server.client.incr({ key, delta: 5n, requestId });
  const set = await server.client.set({ key, counter: -(2n ** 63n), expiry: after(60_000) });
  assert.is((await current(key))?.etag, set.etag);
  const again = await server.client.incr({ key, delta: 5n, requestId });
  assert.equal([again.value, again.etag, again.replayed], [5n, first.etag, true]);
  const next = await server.client.incr({ key });
  assert.equal([next.value, next.expireTime], [-(2n ** 63n) + 1n, set.expireTime]);
  // A new one needs no more than one request for its first increment.
  await server.client.set({ key: "new-counter", counter: 2n ** 63n - 2n });
  proxy.requests.clear();
  assert.is((await faulty.incr({ key: "new-counter" })).value, 2n ** 63n - 1n);
  assert.equal([proxy.requests.get("UpdateItem"), proxy.requests.get("PutItem")], [1, undefined]);
  const failure = await failureOf(server.client.set({ key, counter: 1n, value: bytes("v") }));
  assert.equal([failure.code, failure.field, failure.outcome], ["InvalidArgument", "counter", "NOT_APPLIED"]);
});

test("a value that does not fit beside what is remembered of a counter is refused before it is sent, with the room that there is", async () => {
  const leaves = async (key: string, length: number) => {
    const { reason, field, outcome, message } = await failureOf(
      server.client.set({ key, value: new Uint8Array(length) }),
    );
    assert.equal([reason, field, outcome], ["VALUE_TOO_LARGE", "value", "NOT_APPLIED"]);
    return Number(/leaves (\d+) for the value/.exec(message)?.[1]);
  };
  const most = await leaves("no-counter", 409_600);
  for (let n = 0; n < 3; n++) {
    await server.client.incr({ key: "is-counter", requestId: createRequestId(nowMs) });
  }
  const left = await leaves("is-counter", most);
  assert.ok(left < most && left > most - 1000, `${left} of ${most}`);
  await server.client.set({ key: "is-counter", value: new Uint8Array(left) });
  assert.is((await current("is-counter"))?.data.case, "value");
  // An expiry takes room as well: 9 bytes in the attribute of the TTL, and 16 in what is remembered.
  const expiry = { policy: { case: "after", value: { seconds: 60n } } } as const;
  const failure = await failureOf(server.client.set({ key: "is-counter", value: new Uint8Array(left), expiry }));
  const room = Number(/leaves (\d+) for the value/.exec(failure.message)?.[1]);
  assert.ok(left - room >= 25 && left - room <= 50, `${room} of ${left}`);
  await server.client.set({ key: "is-counter", value: new Uint8Array(room), expiry });
});

test.run();
