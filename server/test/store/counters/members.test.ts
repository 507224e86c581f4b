import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { type FaultProxy, internalServerError, startFaultProxy } from "../../../src/faults/index.js";
import { maxMembers } from "../../../src/store/layout/members.js";
import { failureOf } from "../../support/errors.js";
import { isFullRun } from "../../support/full-run.js";
import { itemBytes, writeUnits } from "../../support/item-bytes.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("members of a counter");
let nowMs = 1_800_000_000_000;
let server: TestServer;
let proxy: FaultProxy;
/** Another replica, behind a proxy. */
let other: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: other } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const strong = 2;
const anyValue = new Uint8Array([1]);
const numbers = (length: number) => Array.from({ length }, (_, n) => n);

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: strong });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

test("a member counts once, whatever request it comes in, as long as the counter lives", async () => {
  const key = "visitors";
  assert.equal((await server.client.incr({ key, member: "alice" })).replayed, false);
  await server.client.incr({ key, member: "bob", delta: 10n });
  const current = (await server.client.get({ key, consistency: strong })).entry;
  for (const hours of [0, 1, 4]) {
    nowMs += hours * 3_600_000;
    for (const client of [server.client, other]) {
      const again = await client.incr({ key, member: "alice", delta: 5n, requestId: createRequestId(nowMs) });
      assert.equal([again.value, again.etag, again.replayed], [11n, current?.etag, true], `after ${hours} h`);
    }
  }
  assert.is(await countAt(key), 11n);
  assert.is((await server.client.incr({ key })).value, 12n, "without a member each counts");
  assert.is((await server.client.incr({ key: "other visitors", member: "alice" })).value, 1n, "in another counter");
});

test("members are told apart whose hashes an engine takes for the same text", async () => {
  // dynalite reads the elements of a binary set as UTF-8, in which these two are eight times the same replacement character.
  const key = "texts";
  const isOneText = (member: string) =>
    createHash("sha256")
      .update(`${key.length}/${key}`)
      .update(member)
      .digest()
      .subarray(0, 8)
      .every((byte) => byte >= 0xc0);
  const [first = "", second = ""] = numbers(500_000).map(String).filter(isOneText);
  assert.is((await server.client.incr({ key, member: first })).value, 1n);
  assert.is((await server.client.incr({ key, member: second })).value, 2n);
  assert.equal((await server.client.incr({ key, member: second })).replayed, true);
});

test("members are told apart by every byte", async () => {
  const key = "bytes";
  const members = [
    "a",
    "A",
    "a ",
    "a\u0000",
    "ä",
    "a\u0308",
    "b'a'",
    "x".repeat(128),
    "x".repeat(127),
    "日".repeat(42),
  ];
  for (const member of [...members, ...members]) {
    await server.client.incr({ key, member });
  }
  assert.is(await countAt(key), BigInt(members.length));
});

test("what is no member is a bad request, and changes nothing", async () => {
  for (const member of ["", "x".repeat(129), "日".repeat(43)]) {
    const failure = await failureOf(server.client.incr({ key: "bad", member }));
    assert.equal([failure.code, failure.field, failure.outcome], ["InvalidArgument", "member", "NOT_APPLIED"]);
  }
  assert.is(await server.rawItem("bad"), undefined);
});

test("with a request id its repetition has the original answer, with another that of now", async () => {
  const key = "both";
  const requestId = createRequestId(nowMs);
  const first = await server.client.incr({ key, member: "a", requestId });
  await server.client.incr({ key, member: "b" });
  const again = await other.incr({ key, member: "a", requestId });
  assert.equal([again.value, again.etag, again.replayed], [1n, first.etag, true]);
  const anew = await other.incr({ key, member: "a", requestId: createRequestId(nowMs) });
  assert.equal([anew.value, anew.replayed], [2n, true]);
  // An id of any age, for a member that is known.
  assert.is((await other.incr({ key, member: "a", requestId: createRequestId(nowMs - 3_600_000) })).value, 2n);
  const old = await failureOf(other.incr({ key, member: "c", requestId: createRequestId(nowMs - 3_600_000) }));
  assert.is(old.reason, "REQUEST_TOO_OLD");
});

test("a bound does not stand in the way of a member that was counted, and a refused one is not remembered", async () => {
  const key = "bounded";
  await server.client.incr({ key, member: "a", max: 1n });
  assert.equal((await server.client.incr({ key, member: "a", max: 1n })).value, 1n);
  assert.is((await failureOf(server.client.incr({ key, member: "b", max: 1n }))).reason, "OUT_OF_BOUNDS");
  assert.equal((await server.client.incr({ key, member: "b", max: 2n })).replayed, false);
});

test("an increment without a member is held to its bound by a counter that has members", async () => {
  const key = "bounded, with members";
  await server.client.incr({ key, member: "a" });
  const { reason, outcome } = await failureOf(server.client.incr({ key, max: 1n }));
  assert.equal([reason, outcome, await countAt(key)], ["OUT_OF_BOUNDS", "NOT_APPLIED", 1n]);
});

test("a Delete, a Set and the expiry forget the members", async () => {
  const key = "anew";
  const soon = { policy: { case: "after", value: { seconds: 5n } } } as const;
  const count = async (expiry?: typeof soon) =>
    (await server.client.incr({ key, member: "a", ...(expiry ? { expiry } : {}) })).value;
  await server.client.incr({ key, delta: 5n });
  assert.is(await count(), 6n);
  await server.client.delete({ key });
  assert.is((await server.rawItem(key))?.dynakv_members, undefined);
  assert.is(await count(), 1n);
  await server.client.set({ key, value: anyValue });
  assert.is((await server.rawItem(key))?.dynakv_members, undefined);
  assert.is((await failureOf(server.client.incr({ key, member: "a" }))).reason, "WRONG_KIND");
  await server.client.set({ key, value: anyValue, expiry: { policy: { case: "keep", value: {} } } });
  await server.client.delete({ key });
  assert.is(await count(soon), 1n);
  nowMs += 6000;
  assert.is(await count(), 1n);
  assert.is(await count(), 1n);
  await server.client.incr({ key, expiry: soon });
  nowMs += 6000;
  await server.client.incr({ key });
  assert.is((await server.rawItem(key))?.dynakv_members, undefined, "started anew without a member");
});

test("Celery's counters count members, too", async () => {
  const key = "celery";
  await server.putRaw({ id: { S: key }, chord_count: { N: "3" }, timestamp: { N: "1800000000.5" } });
  assert.is((await server.client.incr({ key, member: "a" })).value, 4n);
  assert.is((await server.client.incr({ key, member: "a" })).value, 4n);
});

const [stormCallers, stormMembers] = isFullRun ? [200, 1000] : [20, 60];

for (const withId of [false, true]) {
  test(`many callers at once, every third answer lost, and each member thrice, ${withId ? "with" : "without"} ids`, async () => {
    const key = `storm-${withId}`;
    let seen = 0;
    proxy.decide = ({ operation }) => {
      const isThird = operation === "UpdateItem" && ++seen % 3 === 0;
      return !isThird ? "forward" : seen % 2 === 0 ? "lose-answer" : internalServerError({ applied: true });
    };
    const members = numbers(stormMembers).flatMap((n) => [`m${n}`, `m${n}`, `m${n}`]);
    await Promise.all(
      numbers(stormCallers).map(async (caller) => {
        for (let at = caller; at < members.length; at += stormCallers) {
          const requestId = withId ? createRequestId(nowMs) : "";
          for (let tries = 0; ; tries++) {
            try {
              await other.incr({ key, member: members[at] ?? "", requestId }, { timeoutMs: 30_000 });
              break;
            } catch (error) {
              assert.ok(tries < 50, String(error));
            }
          }
        }
      }),
    );
    assert.is(await countAt(key), BigInt(stormMembers));
    nowMs += 4 * 3_600_000;
    proxy.reset();
    for (const n of numbers(stormMembers)) {
      assert.is((await other.incr({ key, member: `m${n}` })).replayed, true, "four hours later");
    }
    assert.is(await countAt(key), BigInt(stormMembers));
    if (isFullRun) {
      const bytes = itemBytes((await server.rawItem(key)) ?? {});
      process.stdout.write(`\n  ${stormMembers} members: ${bytes} bytes, ${writeUnits(bytes)} write units\n`);
    }
  });
}

test("a counter tells 4,096 members apart, in one write each, and refuses a further one", async () => {
  const key = "full";
  await server.client.incr({ key, member: "first" });
  const hashes = numbers(maxMembers - 2).map((n) => Buffer.from([n >> 8, n & 255, 1, 2, 3, 4, 5, 6]));
  const item = (await server.rawItem(key)) ?? {};
  await server.putRaw({ ...item, dynakv_members: { BS: [...(item.dynakv_members?.BS ?? []), ...hashes] } });
  await other.incr({ key, member: "last" });
  assert.is(proxy.requests.get("UpdateItem"), 1);
  const failure = await failureOf(server.client.incr({ key, member: "one more" }));
  assert.equal(
    [failure.code, failure.reason, failure.outcome, failure.retryable],
    ["FailedPrecondition", "MEMBERS_FULL", "NOT_APPLIED", false],
  );
  assert.match(failure.message, "4096");
  assert.is((await server.client.incr({ key, member: "first" })).replayed, true);
  assert.is((await server.client.incr({ key, member: "last" })).value, 2n);
  assert.is((await server.client.incr({ key })).value, 3n, "without a member");
  assert.is((await server.rawItem(key))?.dynakv_members?.BS?.length, maxMembers);
});

test.run();
