import { create } from "@bufbuild/protobuf";
import * as assert from "uvu/assert";
import { z } from "zod";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { bytes, createClient, type DynakvClient, json, protobuf, utf8 } from "../src/index.js";
import { type Limits, LimitsSchema } from "../src/schema.js";
import { errorOf } from "./support/error-of.js";

const test = suite("keyspaces");
let server: TestServer;
let client: DynakvClient;

test.before(async () => {
  server = await startTestServer();
  client = createClient({ address: server.url });
});

test.after(async () => {
  client.close();
  await server.stop();
});

test("values of a type lie under the prefix, and callers leave it out", async () => {
  const names = client.keyspace("name:", utf8);
  const { etag } = await names.set("ada", "Ada, Gräfin von Lovelace 🎩");
  const entry = await names.get("ada");
  assert.equal([entry?.key, entry?.value, entry?.etag], ["ada", "Ada, Gräfin von Lovelace 🎩", etag]);
  assert.is((await client.get("name:ada"))?.key, "name:ada");
  assert.is(await names.get("nobody"), undefined);
  assert.is(await names.touch("ada", { seconds: 60 }), true);
  assert.ok((await names.get("ada"))?.expireTime instanceof Date);
  assert.is(await names.delete("ada"), true);
  assert.is(await client.get("name:ada"), undefined);
});

test("conditions and expiries are those of the client", async () => {
  const names = client.keyspace("cond:", utf8);
  const { etag } = await names.set("a", "1", { ifAbsent: true, expiry: { seconds: 100 } });
  assert.is((await errorOf(names.set("a", "2", { ifAbsent: true }))).reason, "ALREADY_EXISTS");
  const kept = await names.set("a", "2", { ifEtag: etag, expiry: "keep" });
  assert.ok(kept.expireTime !== undefined);
  const mismatch = await errorOf(names.delete("a", { ifEtag: etag }));
  assert.equal([mismatch.reason, mismatch.currentEtag], ["ETAG_MISMATCH", kept.etag]);
  assert.is((await names.set("a", "3", { ifPresent: true, expiry: "never" })).expireTime, undefined);
  const at = new Date(Date.now() + 3_600_000);
  assert.is((await names.set("a", "3", { expiry: at })).expireTime?.getTime(), at.getTime());
  assert.is((await errorOf(names.set("a", "3", { expiry: { seconds: 0 } }))).reason, "INVALID_EXPIRY");
  const both = { ifAbsent: true, ifPresent: true } as unknown as { ifAbsent: true };
  assert.match(String(await names.set("a", "4", both).catch(String)), "give one of");
});

test("each call of a keyspace, and of counters, hands its options on", async () => {
  const names = client.keyspace("options:", utf8);
  const counts = client.counters("options of counters:");
  await names.set("a", "1");
  await counts.incr("a");
  const ifEtag = "AAAAAAAAAAAAAAAA";
  const calls = {
    "names.set": () => names.set("a", "2", { ifEtag }),
    "names.delete": () => names.delete("a", { ifEtag }),
    "names.touch": () => names.touch("a", "never", { ifEtag }),
    "counts.delete": () => counts.delete("a", { ifEtag }),
    "counts.touch": () => counts.touch("a", "never", { ifEtag }),
  };
  for (const [name, call] of Object.entries(calls)) {
    assert.is((await errorOf(call())).reason, "ETAG_MISMATCH", name);
  }
  const left = AbortSignal.abort();
  const read = async (results: AsyncIterable<unknown>) => {
    for await (const _ of results) {
      // Nothing comes.
    }
  };
  const reads: Record<string, () => Promise<unknown>> = {
    "names.get": () => names.get("a", { signal: left }),
    "counts.get": () => counts.get("a", { signal: left }),
    "counts.incr": () => counts.incr("a", { signal: left }),
    "names.mget": () => read(names.mget(["a"], { signal: left })),
    "counts.mget": () => read(counts.mget(["a"], { signal: left })),
    "names.scan": () => read(names.scan({ signal: left })),
    "counts.scan": () => read(counts.scan({ signal: left })),
  };
  for (const [name, call] of Object.entries(reads)) {
    assert.is((await errorOf(call())).reason, "CANCELED", name);
  }
  assert.equal([(await names.get("a"))?.value, await counts.get("a")], ["1", 1n]);
});

test("a member counts once, through the client and through counters under a prefix", async () => {
  const visitors = client.counters("visitors:");
  const members = ["ada", "bob", "ada", "ada", "bob"];
  const answers = await Promise.all(members.map((member) => visitors.incr("today", { member, delta: 2n })));
  assert.is(answers.filter((answer) => answer === 2n || answer === 4n).length, members.length);
  assert.is(await visitors.get("today"), 4n);
  assert.is(await client.incr("visitors:today", { member: "ada" }), 4n);
  assert.is(await client.incr("visitors:today", { member: "eve" }), 5n);
  const failure = await errorOf(client.incr("visitors:today", { member: "x".repeat(129) }));
  assert.equal([failure.field, failure.outcome], ["member", "NOT_APPLIED"]);
});

test("bytes are left as they are", async () => {
  const raw = client.keyspace("raw:", bytes);
  const value = Uint8Array.from({ length: 256 }, (_, n) => n);
  await raw.set("all", value);
  assert.equal((await raw.get("all"))?.value, value);
});

const User = z.object({ name: z.string(), born: z.coerce.date(), roles: z.array(z.string()).default([]) });

test("JSON is checked by a schema on the way in and out", async () => {
  const users = client.keyspace("user:", json(User));
  await users.set("ada", { name: "Ada", born: "1815-12-10" });
  const user = await users.get("ada");
  assert.equal(user?.value, { name: "Ada", born: new Date("1815-12-10"), roles: [] });
  const unfit = { name: "Ada", born: "yesterday" };
  assert.match(String(await users.set("ada", unfit).catch(String)), "does not match the schema at born");
  assert.is((await users.get("ada"))?.etag, user?.etag, "nothing was written");
  await client.set("user:odd", Buffer.from('{"name":5}'));
  const error = await errorOf(users.get("odd"));
  assert.is(error.reason, "UNDECODABLE");
  assert.match(String(error.cause), "at name");
});

test("JSON without a schema is what it is", async () => {
  const any = client.keyspace("json:", json<{ n: number } | null>());
  await any.set("a", { n: 1 });
  await any.set("b", null);
  assert.equal([(await any.get("a"))?.value, (await any.get("b"))?.value], [{ n: 1 }, null]);
  assert.match(
    String(await any.set("c", undefined as unknown as null).catch(String)),
    "must be a JSON-serializable value, not undefined",
  );
});

test("messages of Protobuf are messages again", async () => {
  const limits = client.keyspace("limits:", protobuf(LimitsSchema));
  await limits.set("a", { maxKeyBytes: 5 });
  const value: Limits | undefined = (await limits.get("a"))?.value;
  assert.equal(value, create(LimitsSchema, { maxKeyBytes: 5 }));
  await client.set("limits:odd", Uint8Array.of(255, 255));
  assert.is((await errorOf(limits.get("odd"))).reason, "UNDECODABLE");
});

test("text that is no text is refused both ways", async () => {
  const texts = client.keyspace("text:", utf8);
  assert.match(String(await texts.set("a", "\ud800").catch(String)), "a lone surrogate");
  assert.is(await texts.get("a"), undefined);
  await client.set("text:odd", Uint8Array.of(0xff));
  assert.is((await errorOf(texts.get("odd"))).reason, "UNDECODABLE");
});

test("counters are a kind of their own", async () => {
  const hits = client.counters("hits:");
  assert.is(await hits.incr("a"), 1n);
  assert.is(await hits.incr("a", { delta: 9007199254740993n, max: 9007199254740994n }), 9007199254740994n);
  assert.is((await errorOf(hits.incr("a", { max: 9007199254740994n }))).reason, "OUT_OF_BOUNDS");
  assert.is(await hits.get("a"), 9007199254740994n);
  assert.is(await hits.get("none"), undefined);
  assert.is(await hits.incr("from", { initial: 10n, delta: -1n }), 9n);
  await client.set("hits:value", new Uint8Array(0));
  assert.is((await errorOf(hits.get("value"))).reason, "WRONG_KIND");
  assert.is((await errorOf(hits.incr("value"))).reason, "WRONG_KIND");
  const texts = client.keyspace("hits:", utf8);
  assert.is((await errorOf(texts.get("a"))).reason, "WRONG_KIND");
});

test("mget brings decoded values, and an error for each that is none", async () => {
  const texts = client.keyspace("many:", utf8);
  await texts.set("a", "A");
  await client.incr("many:counter");
  await client.set("many:odd", Uint8Array.of(0xff));
  const seen: unknown[] = [];
  const results = texts.mget(["a", "counter", "odd", "none"], { order: "request" });
  for await (const { key, index, error, ...result } of results) {
    seen.push([index, key, error?.reason]);
    void result;
  }
  assert.equal(seen, [
    [0, "a", undefined],
    [1, "counter", "WRONG_KIND"],
    [2, "odd", "UNDECODABLE"],
    [3, "none", undefined],
  ]);
  assert.equal(results.progress, { asked: 4, answered: 4, found: 1, missing: 1, failed: 2 });
  assert.is((await texts.mget(["a", "none"]).toMap()).get("a")?.value, "A");
  assert.equal([...(await client.counters("many:").mget(["counter", "none"]).toMap())], [["counter", 1n]]);
});

test.run();
