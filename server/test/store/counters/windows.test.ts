import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import type { IncrResponse } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("counters of a window");
let nowMs = 1_800_000_000_400;
let server: TestServer;
let proxy: FaultProxy;
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const after = (ms: number) =>
  ({ policy: { case: "after", value: { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 } } }) as const;
const keep = { policy: { case: "keep", value: {} } } as const;
const never = { policy: { case: "never", value: {} } } as const;
const numbers = (length: number) => Array.from({ length }, (_, n) => n);
const msOf = (time: { seconds: bigint; nanos: number } | undefined) =>
  time === undefined ? undefined : Number(time.seconds) * 1000 + time.nanos / 1e6;

function requests(): number {
  return ["UpdateItem", "PutItem", "GetItem"].reduce((sum, name) => sum + (proxy.requests.get(name) ?? 0), 0);
}

/** Those that were counted, and those that were refused for a bound. */
async function countAll(
  calls: readonly Promise<IncrResponse>[],
): Promise<{ counted: IncrResponse[]; refused: number }> {
  const counted: IncrResponse[] = [];
  let refused = 0;
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === "fulfilled") {
      counted.push(result.value);
    } else {
      const { code, reason, outcome } = await failureOf(Promise.reject(result.reason));
      assert.equal([code, reason, outcome], ["OutOfRange", "OUT_OF_BOUNDS", "NOT_APPLIED"]);
      refused++;
    }
  }
  return { counted, refused };
}

test("the increment that creates a counter sets its expiry, and none after it does", async () => {
  const request = { key: "window", expiryIfCreated: after(1000) };
  const first = await client.incr(request);
  const end = nowMs + 1000;
  assert.is(msOf(first.expireTime), end);
  nowMs += 999;
  const second = await client.incr({ ...request, expiry: keep });
  assert.equal([second.value, msOf(second.expireTime)], [2n, end]);
  nowMs += 1;
  const anew = await client.incr(request);
  assert.equal([anew.value, msOf(anew.expireTime)], [1n, nowMs + 1000]);
  await client.delete({ key: "window" });
  const again = await client.incr({ ...request, expiryIfCreated: never });
  assert.equal([again.value, again.expireTime], [1n, undefined]);
  await client.set({ key: "set", counter: 5n });
  assert.is((await client.incr({ key: "set", expiryIfCreated: after(1000) })).expireTime, undefined);
});

test("it stands beside no other expiry, and keeps nothing", async () => {
  const bad = [
    { expiryIfCreated: keep },
    { expiryIfCreated: after(1000), expiry: after(1000) },
    { expiryIfCreated: after(1000), expiry: never },
    { expiryIfCreated: { policy: { case: "after", value: { seconds: -1n } } } as const },
    { expiryIfCreated: { policy: { case: undefined } } as const },
  ];
  for (const request of bad) {
    const failure = await failureOf(client.incr({ key: "bad", ...request }));
    assert.equal([failure.reason, failure.outcome], ["INVALID_EXPIRY", "NOT_APPLIED"]);
    assert.match(failure.field ?? "", /^expiry_if_created/);
  }
  assert.is(await server.rawItem("bad"), undefined);
});

for (const [name, idOf] of Object.entries({
  "with ids": () => ({ requestId: createRequestId(nowMs) }),
  "without ids": () => ({}),
})) {
  test(`200 consumers ${name} of a window of 50, with few requests: 50 are counted, one after another`, async () => {
    const key = `limit ${name}`;
    const request = () => ({ key, max: 50n, min: 0n, expiryIfCreated: after(1000), ...idOf() });
    for (const round of [1, 2]) {
      proxy.reset();
      const { counted, refused } = await countAll(numbers(200).map(() => client.incr(request())));
      assert.equal([counted.length, refused], [50, 150], `round ${round}`);
      assert.is(new Set(counted.map(({ value }) => value)).size, 50);
      assert.is(new Set(counted.map(({ etag }) => etag)).size, 50);
      assert.equal(new Set(counted.map(({ expireTime }) => msOf(expireTime))), new Set([nowMs + 1000]));
      assert.ok(requests() <= 220, `${requests()} requests`);
      nowMs += 1000;
    }
  });

  test(`of increments ${name} that come together, those that fit are counted, and the others refused`, async () => {
    const key = `mixed ${name}`;
    await client.set({ key, counter: 10n });
    const deltas = numbers(60).map((n) => (n % 3 === 0 ? -4n : 3n));
    const { counted } = await countAll(
      deltas.map((delta) => client.incr({ key, delta, min: 0n, max: 15n, ...idOf() })),
    );
    const { value } = await client.incr({ key, delta: 0n });
    assert.ok(counted.every((answer) => answer.value >= 0n && answer.value <= 15n));
    const values = counted.map((answer) => answer.value);
    assert.ok(values.includes(value), `${values} ends with ${value}`);
    assert.ok(requests() <= 90, `${requests()} requests`);
  });
}

test("consumers whose answers are lost are counted once each, and no more than the limit", async () => {
  const key = "lossy";
  proxy.decide = ({ operation }) => (operation === "UpdateItem" && Math.random() < 0.3 ? "lose-answer" : "forward");
  const consume = async (): Promise<boolean> => {
    const requestId = createRequestId(nowMs);
    for (;;) {
      try {
        await client.incr({ key, max: 30n, requestId, expiryIfCreated: after(60_000) });
        return true;
      } catch (error) {
        const { reason, outcome } = await failureOf(Promise.reject(error));
        if (reason === "OUT_OF_BOUNDS" && outcome === "NOT_APPLIED") {
          return false;
        }
      }
    }
  };
  const allowed = (await Promise.all(numbers(100).map(consume))).filter(Boolean).length;
  proxy.reset();
  assert.is((await client.incr({ key, delta: 0n })).value, BigInt(allowed));
  assert.is(allowed, 30);
});

test("increments that each set an expiry go together, and each is told its own", async () => {
  const key = "sliding";
  await client.incr({ key });
  proxy.requests.clear();
  proxy.decide = ({ operation }) => (operation === "UpdateItem" ? { kind: "delay", afterMs: 20 } : "forward");
  const answers = await Promise.all(numbers(60).map((n) => client.incr({ key, expiry: after(5000 + n) })));
  for (const [n, { expireTime }] of answers.entries()) {
    assert.is(msOf(expireTime), nowMs + 5000 + n);
  }
  assert.ok((proxy.requests.get("UpdateItem") ?? 0) < 30, `${proxy.requests.get("UpdateItem")} requests`);
  const last = answers.find(({ value }) => value === 61n);
  assert.equal((await client.incr({ key, delta: 0n })).expireTime, last?.expireTime);
});

test.run();
