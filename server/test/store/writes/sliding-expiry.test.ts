import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type Fault, type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("sliding expiry");
let nowMs = 0;
let server: TestServer;
let proxy: FaultProxy;
/** Of a replica that reaches the engine through the proxy. */
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

/** Each makes an entry that expires after so many milliseconds. */
const kinds = {
  value: (key: string, ms: number) => server.client.set({ key, value: Buffer.from("v"), expiry: after(ms) }),
  counter: (key: string, ms: number) => server.client.incr({ key, expiry: after(ms) }),
};

/** Slides what has less than a second to live, to a minute, while something else happens between the look at it and the write. */
async function slide(key: string, meanwhile: () => Promise<unknown>) {
  let isDone = false;
  proxy.decide = async ({ operation }): Promise<Fault> => {
    if (operation === "UpdateItem" && !isDone) {
      isDone = true;
      await meanwhile();
    }
    return "forward";
  };
  const touched = await client.touch({ key, expiry: after(60_000), ifRemainingBelow: { seconds: 1n } });
  assert.is(isDone, true);
  const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
  assert.equal(touched.expireTime, entry?.expireTime);
  return {
    ...touched,
    leftMs: Number(entry?.expireTime?.seconds) * 1000 + (entry?.expireTime?.nanos ?? 0) / 1e6 - nowMs,
  };
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`a ${kind} that another has touched meanwhile slides if it has a millisecond too little to live, and else stays`, async () => {
    // At the beginning of a second, within it, and at its end: an expiry lies in two attributes, one of them in whole seconds.
    for (const at of [1_800_000_000_000, 1_800_000_010_250, 1_800_000_020_999]) {
      nowMs = at;
      for (const leftMs of [1, 999, 1000, 1001, 2000]) {
        const key = `${kind} ${at} ${leftMs}`;
        await make(key, 500);
        const slid = await slide(key, () => server.client.touch({ key, expiry: after(leftMs) }));
        const isLeft = leftMs >= 1000;
        assert.equal([slid.existed, slid.unchanged, slid.leftMs], [true, isLeft, isLeft ? leftMs : 60_000], key);
      }
    }
  });

  test(`a ${kind} of which another program has meanwhile made the end earlier slides by that`, async () => {
    const second = 1_800_000_100;
    for (const [lateMs, isLeft] of [
      [0, true],
      [1, false],
    ] as const) {
      nowMs = second * 1000 + lateMs;
      const key = `foreign ${kind} ${lateMs}`;
      await make(key, 500);
      const slid = await slide(key, async () => {
        await server.client.touch({ key, expiry: after(30_000) });
        await server.putRaw({ ...(await server.rawItem(key)), id: { S: key }, ttl: { N: `${second + 1}` } });
      });
      assert.equal([slid.existed, slid.unchanged, slid.leftMs], [true, isLeft, isLeft ? 1000 : 60_000], key);
    }
  });
}

test.run();
