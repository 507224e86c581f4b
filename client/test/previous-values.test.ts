import { Code, ConnectError } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { startFaultProxy } from "../../server/src/faults/index.js";
import { patientTimeout } from "../../server/test/support/hold-request.js";
import { isOwnProbe } from "../../server/test/support/own-probe.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { createClient, type DynakvClient, type DynakvError, json, utf8 } from "../src/index.js";
import { createEachClient } from "./support/each-client.js";
import { errorOf } from "./support/error-of.js";

const test = suite("previous values, sliding expiry, metadata");
let server: TestServer;
let clients: readonly DynakvClient[];

test.before(async () => {
  server = await startTestServer();
  clients = createEachClient(server.url);
});

test.after(async () => {
  for (const client of clients) {
    client.close();
  }
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const textOf = (entry: unknown) => Buffer.from((entry as { value: Uint8Array }).value).toString();

function eachClient(title: string, run: (client: DynakvClient, key: string) => Promise<void>): void {
  test(title, async () => {
    for (const [n, client] of clients.entries()) {
      await run(client, `${title} ${n}`);
    }
  });
}

eachClient("a swap returns what was there", async (client, key) => {
  assert.is((await client.swap(key, bytes("one"), { ifAbsent: true })).previous, undefined);
  const swapped = await client.swap(key, bytes("two"));
  assert.is(textOf(swapped.previous), "one");
  assert.is((await client.get(key, { consistency: "strong" }))?.etag, swapped.etag);
  const refused = await errorOf(client.swap(key, bytes("three"), { ifEtag: swapped.previous?.etag ?? "" }));
  assert.equal([refused.reason, refused.outcome], ["ETAG_MISMATCH", "NOT_APPLIED"]);
});

eachClient("of those who take an entry one gets it", async (client, key) => {
  await client.set(key, bytes("job"));
  const taken = await Promise.all(Array.from({ length: 8 }, () => client.take(key)));
  assert.equal(taken.filter((entry) => entry !== undefined).map(textOf), ["job"]);
  await client.incr(key, { delta: 7n });
  const counter = await client.take(key);
  assert.is(counter?.kind === "counter" && counter.counter, 7n);
});

test("an entry goes to one of those who take it, and it to one alone, when answers to them are lost", async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `lost-take ${n}`);
  let calls = 0;
  const takers = [true, false].flatMap((batching) =>
    [1, 2].map(() =>
      createClient({
        address: server.url,
        batching,
        interceptors: [
          (next) => async (request) => {
            const response = await next(request);
            if (/Delete$/.test(request.method.name) && calls++ % 3 === 0) {
              throw new ConnectError("the connection was lost", Code.Unavailable);
            }
            return response;
          },
        ],
      }),
    ),
  );
  const [client] = takers as [DynakvClient];
  await client.mset(keys.map((key) => ({ key, value: bytes(key) })));
  const taken = await Promise.all(takers.flatMap((taker) => keys.map((key) => taker.take(key))));
  const given = taken.filter((entry) => entry !== undefined).map(textOf);
  assert.equal(given.sort(), [...keys].sort());
  assert.ok(calls >= 60, `${calls}`);
  for (const taker of takers) {
    taker.close();
  }
});

test("of takes that travel together the one that has removed the entry is told so, though its first answer was lost for good", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { url } = await server.replica({ endpoint: proxy.endpoint });
  const client = createClient({ address: url });
  await client.set("lost together", bytes("job"));
  // All tries of the first that is written, and each look at what became of it.
  let writes = 0;
  let looks = 0;
  proxy.decide = (request) => {
    const { operation } = request;
    writes += operation === "UpdateItem" ? 1 : 0;
    looks += operation === "GetItem" && writes > 0 && !isOwnProbe(request) ? 1 : 0;
    return (operation === "UpdateItem" && writes <= 5) || (looks > 0 && looks <= 5) ? "lose-answer" : "forward";
  };
  const taken = await Promise.all(Array.from({ length: 40 }, () => client.take("lost together")));
  assert.equal(taken.filter((entry) => entry !== undefined).map(textOf), ["job"]);
  client.close();
  await proxy.stop();
});

eachClient("a take on a condition says why it is refused, and removes nothing", async (client, key) => {
  const absent = await errorOf(client.take(key, { ifPresent: true }));
  assert.equal([absent.reason, absent.outcome, absent.currentEtag], ["NOT_PRESENT", "NOT_APPLIED", undefined]);
  const { etag } = await client.set(key, bytes("job"));
  const changed = await errorOf(client.take(key, { ifEtag: "other" }));
  assert.equal([changed.reason, changed.outcome, changed.currentEtag], ["ETAG_MISMATCH", "NOT_APPLIED", etag]);
  const there = await errorOf(client.take(key, { ifAbsent: true }));
  assert.equal([there.reason, there.outcome, there.currentEtag], ["ALREADY_EXISTS", "NOT_APPLIED", etag]);
  assert.is((await client.take(key, { ifEtag: etag }))?.etag, etag);
  assert.is(await client.take(key), undefined);
});

eachClient("a session slides, and is not written while it has long enough to live", async (client, key) => {
  const hour = { seconds: 3600 };
  assert.is(await client.getAndTouch(key, hour), undefined);
  assert.is(await client.touchDetailed(key, hour), undefined);
  const { etag } = await client.set(key, bytes("session"), { expiry: { seconds: 1800 } });
  const left = await client.touchDetailed(key, hour, { ifRemainingBelow: { seconds: 900 } });
  assert.equal([left?.unchanged, left?.etag], [true, etag]);
  const entry = await client.getAndTouch(key, hour, { ifRemainingBelow: { seconds: 2700 } });
  assert.is(textOf(entry), "session");
  assert.is.not(entry?.etag, etag);
  assert.ok(Number(entry?.expireTime) > Date.now() + 3_000_000);
  // The etag that touch brings is good for what comes next: a lock can be renewed and released.
  const renewed = await client.touchDetailed(key, hour, { ifEtag: entry?.etag });
  assert.is(await client.delete(key, { ifEtag: renewed?.etag ?? "" }), true);
});

eachClient("an expiry is kept to the millisecond", async (client, key) => {
  const at = new Date(Date.now() + 60_123);
  assert.equal((await client.set(key, bytes("x"), { expiry: at })).expireTime, at);
  const { writeTime, expireTime } = await client.set(key, bytes("x"), { expiry: { seconds: 4.035 } });
  // The expiry counts from when the request came, the write time is that of the write.
  const lifetime = Number(expireTime) - Number(writeTime);
  assert.ok(lifetime > 3035 && lifetime <= 4036, `${lifetime}`);
});

eachClient("counters are set, and created with an expiry that later increments leave", async (client, key) => {
  await client.setCounter(key, -(2n ** 53n) - 1n, { expiry: { seconds: 60 } });
  assert.is(await client.counters("").get(key), -(2n ** 53n) - 1n);
  await client.delete(key);
  const expiryIfCreated = { seconds: 60 };
  const first = await client.incrDetailed(key, { expiryIfCreated });
  const second = await client.incrDetailed(key, { delta: 2n, expiryIfCreated: { seconds: 600 } });
  assert.equal([first.value, second.value, second.replayed], [1n, 3n, false]);
  assert.equal(second.expireTime, first.expireTime);
  assert.is((await client.get(key, { consistency: "strong" }))?.etag, second.etag);
});

eachClient("metadata is read without values", async (client, key) => {
  const space = client.keyspace(`${key} `, utf8);
  await space.set("value", "hello");
  await client.incr(`${key} counter`);
  const keys = ["value", "counter", "none"];
  const read = async () => Promise.all(keys.map((each) => space.getMetadata(each)));
  const alone = [await space.getMetadata("value"), await space.getMetadata("counter"), await space.getMetadata("none")];
  assert.equal(await read(), alone);
  assert.equal(
    alone.map((found) => found && [found.key, found.kind, found.valueBytes]),
    [["value", "value", 5], ["counter", "counter", 0], undefined],
  );
  assert.equal(await Promise.all(keys.map((each) => space.has(each))), [true, true, false]);
  const many = await space.mgetMetadata(keys).toMap();
  assert.equal([...many.values()].sort(byKey), [alone[1], alone[0]]);
  const scanned = [];
  for await (const { entry } of space.scanKeys()) {
    scanned.push(entry);
  }
  assert.equal(scanned.sort(byKey), [alone[1], alone[0]]);
});

const byKey = (one: { key: string }, other: { key: string }) => (one.key < other.key ? -1 : 1);

test("of a keyspace what was replaced or taken and cannot be decoded is gone, and the error says so", async () => {
  const [client] = clients as [DynakvClient];
  const space = client.keyspace("undecodable:", json<object>());
  const spoil = () => client.set("undecodable:a", bytes("no json"));
  await spoil();
  const swap = await errorOf(space.swap("a", { fine: true }));
  assert.equal([swap.reason, swap.outcome, swap.currentEtag], ["UNDECODABLE", "APPLIED", undefined]);
  assert.equal((await space.take("a"))?.value, { fine: true });
  await spoil();
  assert.is((await errorOf(space.take("a"))).outcome, "APPLIED");
  await client.set("undecodable:n", bytes("5"));
  const error: DynakvError = await errorOf(client.counters("undecodable:").take("n"));
  assert.equal([error.reason, error.outcome], ["WRONG_KIND", "APPLIED"]);
  assert.is(await client.has("undecodable:n"), false);
});

test("of 200 concurrent calls a rate limit allows as many as it says, in few requests", async () => {
  let requests = 0;
  const client = createClient({
    address: server.url,
    interceptors: [
      (next) => (request) => {
        requests++;
        return next(request);
      },
    ],
    ...patientTimeout,
  });
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => client.rateLimit("limit", { limit: 50, windowMs: 60_000 })),
  );
  assert.is(answers.filter(({ allowed }) => allowed).length, 50);
  assert.is(new Set(answers.map(({ resetTime }) => Number(resetTime))).size, 1);
  assert.ok(requests <= 10, `${requests} requests`);
  client.close();
});

test.run();
