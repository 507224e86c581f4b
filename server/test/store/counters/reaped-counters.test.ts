import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("counters that DynamoDB's TTL removes");
const windowMs = 600_000;
let nowMs = 1_800_000_000_500;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, requestSlots: 4 });
});

test.after(() => server.stop());

const strong = 2;
const anyValue = new Uint8Array([1]);
const seconds = (count: number) => ({ policy: { case: "after", value: { seconds: BigInt(count) } } }) as const;

/** What DynamoDB does, as early as it may. */
async function reap(key: string): Promise<boolean> {
  const item = await server.rawItem(key);
  const isDue = Number(item?.ttl?.N) <= nowMs / 1000;
  if (isDue) {
    await server.engine.client.send(new DeleteItemCommand({ TableName: server.table, Key: { id: { S: key } } }));
  }
  return isDue;
}

async function expectGone(key: string, expireMs: number): Promise<void> {
  const isThere = async () => (await server.client.get({ key, consistency: strong })).entry !== undefined;
  nowMs = expireMs - 1;
  assert.is(await isThere(), true, "a millisecond before");
  nowMs = expireMs;
  assert.is(await isThere(), false, "at its millisecond");
  for await (const { results } of server.client.mGet({ keys: [key], consistency: strong })) {
    assert.is(results[0]?.result.case, "missing");
  }
  for await (const { results } of server.client.scan({ prefix: key, consistency: strong })) {
    assert.equal(results, []);
  }
  assert.is((await server.client.touch({ key, expiry: seconds(5) })).existed, false);
}

const incr = (key: string, requestId: string) => server.client.incr({ key, requestId });

/** Each leaves a counter that was incremented under the id, or what has taken its place, with five seconds to live. */
const shortened: Record<string, (key: string, requestId: string) => Promise<unknown>> = {
  "an increment that creates it": (key, requestId) => server.client.incr({ key, requestId, expiry: seconds(5) }),
  "an increment that changes it": async (key, requestId) => {
    await incr(key, requestId);
    await server.client.incr({ key, expiry: seconds(5) });
  },
  "an increment that starts it anew": async (key, requestId) => {
    await incr(key, requestId);
    await server.client.delete({ key });
    await server.client.incr({ key, expiry: seconds(5) });
  },
  "an increment that keeps it": async (key, requestId) => {
    await server.client.incr({ key, expiry: seconds(5) });
    await incr(key, requestId);
  },
  "a Touch": async (key, requestId) => {
    await incr(key, requestId);
    assert.is((await server.client.touch({ key, expiry: seconds(5) })).existed, true);
  },
  "a Touch of what has little time left": async (key, requestId) => {
    await server.client.incr({ key, requestId, expiry: seconds(2) });
    const ifRemainingBelow = { seconds: 3n };
    assert.is((await server.client.touch({ key, expiry: seconds(5), ifRemainingBelow })).existed, true);
  },
  "a Set": async (key, requestId) => {
    await incr(key, requestId);
    await server.client.set({ key, value: anyValue, expiry: seconds(5) });
  },
  "another program that made it": async (key, requestId) => {
    const ttl = Math.ceil((nowMs + 5000) / 1000);
    await server.putRaw({ id: { S: key }, chord_count: { N: "0" }, ttl: { N: ttl.toString() } });
    await incr(key, requestId);
  },
};

for (const [how, shorten] of Object.entries(shortened)) {
  test(`${how}, for a few seconds: increments count once all the same`, async () => {
    const key = how;
    const requestId = createRequestId(nowMs);
    const lastMs = nowMs;
    await shorten(key, requestId);
    const { expireTime } = (await server.client.get({ key, consistency: strong })).entry ?? {};
    const expireMs = Number(expireTime?.seconds) * 1000 + (expireTime?.nanos ?? 0) / 1e6;
    assert.is(expireMs, how.startsWith("another") ? Math.ceil((lastMs + 5000) / 1000) * 1000 : lastMs + 5000);
    await expectGone(key, expireMs);
    for (const passedMs of [0, windowMs / 2, windowMs - 10_000]) {
      nowMs = expireMs + passedMs;
      assert.is(await reap(key), false, `after ${passedMs / 1000} s`);
      const again = await incr(key, requestId);
      assert.is(again.replayed, true, `after ${passedMs / 1000} s`);
      assert.is(again.expireTime, undefined);
    }
    const anew = await server.client.incr({ key });
    assert.equal([anew.value, anew.expireTime], [1n, undefined]);
    assert.is((await server.rawItem(key))?.ttl, undefined);
    await server.client.touch({ key, expiry: seconds(5) });
    nowMs += 2 * windowMs + 7000;
    assert.is(await reap(key), true);
  });
}

test("a Touch that makes it last takes the expiry back on every path", async () => {
  const key = "lasting";
  await server.client.incr({ key, expiry: seconds(5) });
  await server.client.touch({ key, expiry: { policy: { case: "never", value: {} } } });
  nowMs += windowMs * 3;
  assert.is(await reap(key), false);
  assert.is((await server.client.incr({ key })).value, 2n);
});

test("a value that was never a counter goes at its second", async () => {
  const key = "value";
  await server.client.set({ key, value: anyValue, expiry: seconds(5) });
  await server.client.touch({ key, expiry: seconds(6) });
  assert.is((await server.rawItem(key))?.ttl?.N, Math.ceil(nowMs / 1000 + 6).toString());
});

test("another program may let it go earlier", async () => {
  const key = "earlier";
  await server.client.incr({ key, expiry: seconds(60) });
  const item = (await server.rawItem(key)) ?? {};
  await server.putRaw({ ...item, ttl: { N: Math.ceil(nowMs / 1000 + 5).toString() } });
  await expectGone(key, Math.ceil(nowMs / 1000 + 5) * 1000);
});

test.run();
