import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("what increments ask for that come together");
const nowMs = 1_800_000_000_000;
let server: TestServer;
let proxy: FaultProxy;
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  // A write takes long enough for others to come meanwhile.
  proxy.decide = ({ operation }) => (operation === "UpdateItem" ? { kind: "delay", afterMs: 20 } : "forward");
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const numbers = (length: number) => Array.from({ length }, (_, n) => n);
const inSeconds = (seconds: number) => BigInt(nowMs / 1000 + seconds);
const at = (second: bigint) => ({ policy: { case: "at", value: { seconds: second } } }) as const;
const never = { policy: { case: "never", value: {} } } as const;
const keep = { policy: { case: "keep", value: {} } } as const;

for (const how of ["without ids", "with ids"] as const) {
  const idOf = () => (how === "with ids" ? { requestId: createRequestId(nowMs) } : {});

  test(`increments ${how} each give the counter the expiry that they ask for, and are told so`, async () => {
    const key = `expiries ${how}`;
    await server.client.incr({ key, delta: 0n, expiry: at(inSeconds(900)) });
    const kinds = [
      [at(inSeconds(100)), inSeconds(100)],
      [at(inSeconds(200)), inSeconds(200)],
      [never, undefined],
    ] as const;
    const answers = await Promise.all(
      numbers(60).map((n) => client.incr({ key, expiry: kinds[n % 3]?.[0] ?? never, ...idOf() })),
    );
    for (const [n, { expireTime }] of answers.entries()) {
      assert.is(expireTime?.seconds, kinds[n % 3]?.[1], `${n}`);
    }
    const last = answers.reduce((one, other) => (other.value > one.value ? other : one));
    const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
    assert.equal([entry?.data.value, entry?.expireTime, entry?.etag], [60n, last.expireTime, last.etag]);
  });

  test(`increments ${how} that ask for no expiry leave that of the counter, beside others that do`, async () => {
    const key = `kept ${how}`;
    await server.client.incr({ key, delta: 0n, expiry: at(inSeconds(900)) });
    const wishes = [undefined, keep, at(inSeconds(100))];
    const answers = await Promise.all(
      numbers(60).map((n) => {
        const expiry = wishes[n % 3];
        return client.incr({ key, ...(expiry === undefined ? {} : { expiry }), ...idOf() });
      }),
    );
    // In the order in which they were applied: each that asks for none tells what the one before it has left.
    const inOrder = answers.map((answer, n) => ({ ...answer, n })).sort((a, b) => Number(a.value - b.value));
    let expected = inSeconds(900);
    for (const { expireTime, n } of inOrder) {
      expected = n % 3 === 2 ? inSeconds(100) : expected;
      assert.is(expireTime?.seconds, expected, `${n}`);
    }
  });

  for (const bound of ["min", "max"] as const) {
    test(`increments ${how} are each held to their own ${bound}, beside others that have another or none`, async () => {
      const key = `${bound} ${how}`;
      const sign = bound === "min" ? -1n : 1n;
      await server.client.incr({ key, delta: -50n * sign });
      const boundOf = (n: number) => [undefined, -45n * sign, -30n * sign][n % 3];
      const answers = await Promise.allSettled(
        numbers(60).map((n) => {
          const limit = boundOf(n);
          return client.incr({ key, delta: sign, ...(limit === undefined ? {} : { [bound]: limit }), ...idOf() });
        }),
      );
      const values = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.value : undefined));
      for (const [n, value] of values.entries()) {
        const limit = boundOf(n);
        const holds = value === undefined || limit === undefined || value * sign <= limit * sign;
        assert.ok(holds && (limit !== undefined || value !== undefined), `${n}: ${value}`);
      }
      const applied = values.filter((value) => value !== undefined);
      assert.is(new Set(applied).size, applied.length, "each has a value of its own");
      const { value: end } = await server.client.incr({ key, delta: 0n });
      assert.is(end, (BigInt(applied.length) - 50n) * sign);
    });
  }
}

test.run();
