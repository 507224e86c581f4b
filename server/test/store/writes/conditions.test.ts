import { create } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import * as assert from "uvu/assert";
import { Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import {
  DeleteRequestSchema,
  IncrRequestSchema,
  type SetRequest,
  SetRequestSchema,
  TouchRequestSchema,
} from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { failureOf } from "../../support/errors.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("conditions");
let server: TestServer;
let nowMs = Date.now();

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.after(() => server.stop());

const bytes = (text: string) => Buffer.from(text);
const ifAbsent = { test: { case: "ifAbsent", value: {} } } as const;
const ifPresent = { test: { case: "ifPresent", value: {} } } as const;
const ifEtag = (value: string) => ({ test: { case: "ifEtag", value } }) as const;

async function textOf(key: string): Promise<string | undefined> {
  const { entry } = await server.client.get({ key, consistency: Consistency.STRONG });
  return entry?.data.case === "value" ? Buffer.from(entry.data.value).toString() : undefined;
}

/** Leaves an item at the key that has expired but lies in the table still. */
async function putExpired(key: string): Promise<void> {
  await server.client.set({ key, value: bytes("old"), expiry: { policy: { case: "after", value: { seconds: 10n } } } });
  nowMs += 11_000;
  assert.ok(await server.rawItem(key));
}

test("Set if absent stores once, and tells the etag that is there", async () => {
  const key = "once";
  const { etag } = await server.client.set({ key, value: bytes("first"), condition: ifAbsent });
  const failure = await failureOf(server.client.set({ key, value: bytes("second"), condition: ifAbsent }));
  assert.equal(
    [failure.code, failure.reason, failure.outcome, failure.currentEtag],
    ["FailedPrecondition", "ALREADY_EXISTS", "NOT_APPLIED", etag],
  );
  assert.is(await textOf(key), "first");
});

test("64 clients that Set if absent have one winner, on a fresh key and on an expired one", async () => {
  await putExpired("race-expired");
  for (const key of ["race-fresh", "race-expired"]) {
    const wins = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        server.client.set({ key, value: bytes(`${n}`), condition: ifAbsent }).then(
          () => [n],
          () => [],
        ),
      ),
    );
    assert.is(wins.flat().length, 1, key);
    assert.is(await textOf(key), `${wins.flat()[0]}`, key);
  }
});

test("Set if present needs an entry, and an expired one is none", async () => {
  const key = "present";
  const failure = await failureOf(server.client.set({ key, value: bytes("a"), condition: ifPresent }));
  assert.equal([failure.code, failure.reason], ["FailedPrecondition", "NOT_PRESENT"]);
  assert.is(await server.rawItem(key), undefined);
  await server.client.set({ key, value: bytes("a") });
  await server.client.set({ key, value: bytes("b"), condition: ifPresent });
  assert.is(await textOf(key), "b");
  await putExpired("present-expired");
  const expired = server.client.set({ key: "present-expired", value: bytes("c"), condition: ifPresent });
  assert.is((await failureOf(expired)).reason, "NOT_PRESENT");
});

test("Set if the etag matches goes through once, then the etag has changed", async () => {
  const key = "versioned";
  const first = await server.client.set({ key, value: bytes("1") });
  const second = await server.client.set({ key, value: bytes("2"), condition: ifEtag(first.etag) });
  assert.is.not(second.etag, first.etag);
  const failure = await failureOf(server.client.set({ key, value: bytes("3"), condition: ifEtag(first.etag) }));
  assert.equal(
    [failure.code, failure.reason, failure.outcome, failure.currentEtag],
    ["Aborted", "ETAG_MISMATCH", "NOT_APPLIED", second.etag],
  );
  assert.is(await textOf(key), "2");
});

test("the same value written twice has two etags", async () => {
  const first = await server.client.set({ key: "same", value: bytes("x") });
  const second = await server.client.set({ key: "same", value: bytes("x") });
  assert.is.not(first.etag, second.etag);
  assert.is((await server.client.get({ key: "same" })).entry?.etag, second.etag);
});

test("no etag begins with a dash, which command lines take for a flag's", async () => {
  // Of 64 etags one would: that none of 600 does by chance happens once in 12,000 runs.
  const keys = Array.from({ length: 300 }, (_, n) => `dashless-${n}`);
  const written: { etag: string }[] = [];
  // A few at a time, for machines that are busy.
  for (let from = 0; from < keys.length; from += 50) {
    const some = keys.slice(from, from + 50);
    written.push(...(await Promise.all(some.map((key) => server.client.set({ key, value: bytes("x") })))));
    written.push(...(await Promise.all(some.map((key) => server.client.incr({ key: `${key}-count` })))));
  }
  assert.equal(
    written.map(({ etag }) => etag).filter((etag) => !/^\w[\w-]{15}(\.1)?$/.test(etag)),
    [],
  );
});

test("an etag with a dash at its beginning, as earlier versions wrote them, is read and can be written against", async () => {
  const old = "-ld_Etag-16chars";
  const timestamp = { N: "1763881635.123" };
  await server.putRaw({ id: { S: "old" }, result: { B: bytes("x") }, timestamp, etag: { S: old } });
  await server.putRaw({ id: { S: "old-count" }, chord_count: { N: "-5" }, timestamp, etag: { S: old } });
  for (const [key, etag] of [
    ["old", old],
    ["old-count", `${old}.-5`],
  ] as const) {
    assert.is((await server.client.get({ key })).entry?.etag, etag);
    const alike = server.client.delete({ key, condition: ifEtag(etag.replace("-", "_")) });
    assert.is((await failureOf(alike)).currentEtag, etag);
    assert.is((await server.client.delete({ key, condition: ifEtag(etag) })).existed, true);
  }
});

test("an etag condition on a missing or expired key is a mismatch without a current etag", async () => {
  const { etag } = await server.client.set({ key: "other", value: bytes("x") });
  const missing = await failureOf(server.client.set({ key: "nothing", value: bytes("x"), condition: ifEtag(etag) }));
  assert.equal([missing.code, missing.currentEtag], ["Aborted", ""]);
  await putExpired("etag-expired");
  const item = await server.rawItem("etag-expired");
  const stale = ifEtag(item?.etag?.S ?? "");
  const expired = await failureOf(server.client.set({ key: "etag-expired", value: bytes("x"), condition: stale }));
  assert.equal([expired.code, expired.currentEtag], ["Aborted", ""]);
});

test("a counter's etag changes with each increment, also with Celery's", async () => {
  const key = "count";
  const first = await server.client.incr({ key });
  assert.is((await server.client.get({ key, consistency: Consistency.STRONG })).entry?.etag, first.etag);
  // Celery's incr changes chord_count and nothing else.
  await server.putRaw({ ...(await server.rawItem(key)), id: { S: key }, chord_count: { N: "2" } });
  const failure = await failureOf(server.client.delete({ key, condition: ifEtag(first.etag) }));
  assert.is(failure.code, "Aborted");
  assert.is((await server.client.delete({ key, condition: ifEtag(failure.currentEtag ?? "") })).existed, true);
});

test("an etag that was never given out matches nothing, however alike it looks", async () => {
  const { etag } = await server.client.set({ key: "alike", value: bytes("x") });
  const counter = await server.client.incr({ key: "alike-count", delta: 7n });
  for (const [key, wrong] of [
    ["alike", `${etag}.`],
    ["alike", `${etag}.1`],
    ["alike", `${etag}.x`],
    ["alike-count", `${counter.etag}.x`],
    ["alike-count", counter.etag.replace(".7", ".07")],
    ["alike-count", counter.etag.replace(".7", "")],
  ] as const) {
    assert.is((await failureOf(server.client.delete({ key, condition: ifEtag(wrong) }))).code, "Aborted", wrong);
  }
});

test("an item that Celery wrote has an etag that changes with its next write, and can be written against", async () => {
  const id = "b'celery-task-meta-1'";
  const item = { id: { S: id }, result: { B: bytes("{}") }, timestamp: { N: "1763881635.1234567" } };
  await server.putRaw(item);
  const { entry } = await server.client.get({ key: id, consistency: Consistency.STRONG });
  await server.putRaw({ ...item, timestamp: { N: "1763881636.7654321" } });
  const { entry: rewritten } = await server.client.get({ key: id, consistency: Consistency.STRONG });
  assert.is.not(rewritten?.etag, entry?.etag);

  const stale = await failureOf(
    server.client.set({ key: id, value: bytes("mine"), condition: ifEtag(entry?.etag ?? "") }),
  );
  assert.equal([stale.code, stale.currentEtag], ["Aborted", rewritten?.etag]);
  await server.client.set({ key: id, value: bytes("mine"), condition: ifEtag(rewritten?.etag ?? "") });
  assert.is(await textOf(id), "mine");
});

test("Delete honours each condition", async () => {
  const key = "deleted";
  const { etag } = await server.client.set({ key, value: bytes("x") });
  assert.is((await failureOf(server.client.delete({ key, condition: ifAbsent }))).reason, "ALREADY_EXISTS");
  assert.is((await failureOf(server.client.delete({ key, condition: ifEtag("AAAAAAAAAAAAAAAA") }))).currentEtag, etag);
  assert.is(await textOf(key), "x");
  assert.is((await server.client.delete({ key, condition: ifEtag(etag) })).existed, true);
  assert.is((await failureOf(server.client.delete({ key, condition: ifPresent }))).reason, "NOT_PRESENT");
  assert.is((await server.client.delete({ key, condition: ifAbsent })).existed, false);
});

test("a condition that sets no test, or an etag that cannot be one, is a bad request and stores nothing", async () => {
  for (const condition of [{}, ifEtag(""), ifEtag("x".repeat(129))]) {
    const failure = await failureOf(server.client.set({ key: "odd", value: bytes("x"), condition }));
    assert.equal(
      [failure.code, failure.reason, failure.outcome],
      ["InvalidArgument", "INVALID_CONDITION", "NOT_APPLIED"],
    );
  }
  assert.is(await server.rawItem("odd"), undefined);
});

test("a write with a field that the server does not know, in the request, its condition or its expiry, is refused and changes nothing", async () => {
  const key = "newer";
  const value = bytes("x");
  await server.client.set({ key, value });
  const before = await server.rawItem(key);
  const { client } = server;
  const never = { policy: { case: "never", value: {} } } as const;
  // Each with all that it can have, and as it would be carried out.
  const writes = {
    set: [SetRequestSchema, { key, value, condition: ifPresent, expiry: never }, client.set],
    delete: [DeleteRequestSchema, { key, condition: ifPresent }, client.delete],
    incr: [IncrRequestSchema, { key: "newer counter", expiry: never }, client.incr],
    touch: [TouchRequestSchema, { key, condition: ifPresent, expiry: never }, client.touch],
  } as const;
  const unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
  for (const [method, [schema, fields, call]] of Object.entries(writes)) {
    for (const place of ["request", "condition", "expiry"] as const) {
      const request = create(schema as GenMessage<SetRequest>, fields);
      const part = place === "request" ? request : request[place];
      if (part === undefined) {
        continue;
      }
      part.$unknown = unknown;
      const failure = await failureOf((call as typeof client.set)(request));
      assert.equal([failure.code, failure.outcome], ["Unimplemented", "NOT_APPLIED"], `${method}: in its ${place}`);
    }
  }
  assert.equal(await server.rawItem(key), before);
  const created = create(IncrRequestSchema, { key: "newer counter", expiryIfCreated: never });
  assert.ok(created.expiryIfCreated);
  created.expiryIfCreated.$unknown = unknown;
  const failure = await failureOf(client.incr(created));
  assert.equal([failure.code, failure.outcome], ["Unimplemented", "NOT_APPLIED"]);
  assert.is(await server.rawItem("newer counter"), undefined);
});

test.run();
