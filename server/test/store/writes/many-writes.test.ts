import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { ConditionSchema, Consistency } from "../../../../gen/dynakv/v1/entry_pb.js";
import { ErrorReason, Outcome, type ResultError } from "../../../../gen/dynakv/v1/error_pb.js";
import {
  KeyValueService,
  MDeleteRequestSchema,
  type MDeleteResult,
  MSetRequestSchema,
  type MSetResult,
  SetRequestSchema,
} from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { nameOf } from "../../../src/calls/enum-names.js";
import { type FaultProxy, startFaultProxy } from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { holdRequest } from "../../support/hold-request.js";
import { suite } from "../../support/suite.js";
import { createTransports, type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";
import { waitUntil } from "../../support/wait-until.js";

const test = suite("MSet and MDelete");
let nowMs = 1_800_000_000_400;
let server: TestServer;
let proxy: FaultProxy;
/** Of a replica that reaches the engine through the proxy. */
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, maxKeys: 5000 });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

type SetInit = MessageInitShape<typeof SetRequestSchema>;
const bytes = (text: string) => Buffer.from(text);
const after = (ms: number) =>
  ({ policy: { case: "after", value: { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 } } }) as const;
const absent = { test: { case: "ifAbsent", value: {} } } as const;
const present = { test: { case: "ifPresent", value: {} } } as const;
const holds = (etag: string) => ({ test: { case: "ifEtag", value: etag } }) as const;
const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** The results by position, each of which must come exactly once. */
function byPosition<R extends { index: number; key: string }>(keys: readonly string[], results: readonly R[]): R[] {
  const sorted = [...results].sort((a, b) => a.index - b.index);
  assert.equal(
    sorted.map(({ index, key }) => [index, key]),
    keys.map((key, index) => [index, key]),
  );
  return sorted;
}

async function mset(entries: readonly SetInit[], by = client): Promise<MSetResult[]> {
  const results: MSetResult[] = [];
  for await (const message of by.mSet({ entries: entries.map((entry) => create(SetRequestSchema, entry)) })) {
    assert.ok(message.results.length > 0);
    results.push(...message.results);
  }
  return byPosition(
    entries.map(({ key = "" }) => key),
    results,
  );
}

async function mdelete(
  keys: string[],
  more: { conditions?: Record<number, MessageInitShape<typeof ConditionSchema>>; returnEntries?: boolean } = {},
  by = client,
): Promise<MDeleteResult[]> {
  const results: MDeleteResult[] = [];
  for await (const message of by.mDelete({ keys, ...more })) {
    results.push(...message.results);
  }
  return byPosition(keys, results);
}

const read = async (key: string) => (await server.client.get({ key, consistency: Consistency.STRONG })).entry;
const textOf = async (key: string) => {
  const data = (await read(key))?.data;
  return data?.case === "value" ? Buffer.from(data.value).toString() : data?.value;
};

/** What is said of a position: "stored" or "deleted", or its error. */
function said(result: MSetResult | MDeleteResult): string {
  const { case: kind, value } = result.result;
  if (kind !== "error") {
    return kind ?? "nothing";
  }
  const { code, detail } = value as ResultError;
  return [Code[code], nameOf(ErrorReason, detail?.reason ?? 0), nameOf(Outcome, detail?.outcome ?? 0)].join(" ");
}

test("each position is answered with what was stored there, with its own expiry and condition", async () => {
  const { etag } = await server.client.set({ key: "there", value: bytes("old") });
  await server.client.set({ key: "expired", value: bytes("old"), expiry: after(100) });
  await server.putRaw({ id: { S: "foreign" }, other: { S: "x" } });
  nowMs += 100;
  const results = await mset([
    { key: "new", value: bytes("1"), expiry: after(1250) },
    { key: "there", value: bytes("2"), condition: absent },
    { key: "expired", value: bytes("3"), condition: absent, returnPrevious: true },
    { key: "", value: bytes("4") },
    { key: "large", value: Buffer.alloc(409_600) },
    { key: "counter", counter: 5n },
    { key: "missing", value: bytes("6"), condition: present },
    { key: "foreign", value: bytes("7") },
    { key: "bad-expiry", value: bytes("8"), expiry: after(-1000) },
    { key: "bad-condition", value: bytes("9"), condition: {} },
    { key: "both", value: bytes("v"), counter: 1n },
    { key: "empty", value: bytes("") },
  ]);
  assert.equal(results.map(said), [
    "stored",
    "FailedPrecondition ALREADY_EXISTS NOT_APPLIED",
    "stored",
    "InvalidArgument INVALID_KEY NOT_APPLIED",
    "InvalidArgument VALUE_TOO_LARGE NOT_APPLIED",
    "stored",
    "FailedPrecondition NOT_PRESENT NOT_APPLIED",
    "stored",
    "InvalidArgument INVALID_EXPIRY NOT_APPLIED",
    "InvalidArgument INVALID_CONDITION NOT_APPLIED",
    "InvalidArgument INVALID_FIELD NOT_APPLIED",
    "stored",
  ]);
  const [first, refused] = results;
  if (first?.result.case !== "stored" || refused?.result.case !== "error") {
    throw new Error("they should be");
  }
  const entry = await read("new");
  assert.equal(
    [first.result.value.etag, first.result.value.expireTime, first.result.value.writeTime],
    [entry?.etag, entry?.expireTime, entry?.writeTime],
  );
  assert.is(entry?.expireTime?.nanos, ((nowMs + 1250) % 1000) * 1e6);
  assert.is(refused.result.value.detail?.currentEtag, etag);
  assert.is(await textOf("counter"), 5n);
  assert.is((await read("empty"))?.data.case, "value");
});

test("repeated keys are written in the order of the request, and each sees what the one before has left", async () => {
  const values = numbers(30).map(String);
  const results = await mset(values.map((value) => ({ key: "repeated", value: bytes(value), returnPrevious: true })));
  const previous = results.map(({ result }) =>
    result.case === "stored" && result.value.previous?.data.case === "value"
      ? Buffer.from(result.value.previous.data.value).toString()
      : undefined,
  );
  assert.equal(previous, [undefined, ...values.slice(0, -1)]);
  assert.is(await textOf("repeated"), "29");
  const deleted = await mdelete(["repeated", "other", "repeated"], { returnEntries: true });
  assert.equal(
    deleted.map(({ result }) => result.case === "deleted" && result.value.existed),
    [true, false, false],
  );
});

test("MDelete has a condition of its own for each position, and returns what was removed", async () => {
  const keys = ["d0", "d1", "d2", "d3", "d4"];
  const stored = await mset(keys.map((key) => ({ key, value: bytes(key) })));
  const etags = stored.map(({ result }) => (result.case === "stored" ? result.value.etag : ""));
  const conditions = { 1: holds(etags[1] ?? ""), 2: holds("other"), 3: absent, 5: present };
  const results = await mdelete([...keys, "d5", "", "d4"], { conditions, returnEntries: true });
  assert.equal(results.map(said), [
    "deleted",
    "deleted",
    "Aborted ETAG_MISMATCH NOT_APPLIED",
    "FailedPrecondition ALREADY_EXISTS NOT_APPLIED",
    "deleted",
    "FailedPrecondition NOT_PRESENT NOT_APPLIED",
    "InvalidArgument INVALID_KEY NOT_APPLIED",
    "deleted",
  ]);
  const [, second] = results;
  assert.is(second?.result.case === "deleted" && second.result.value.entry?.etag, etags[1]);
  assert.equal(await Promise.all(keys.map(textOf)), [undefined, undefined, "d2", "d3", undefined]);
});

test("what counters remember of increments survives", async () => {
  const ids = numbers(4).map(() => createRequestId(nowMs));
  const keys = ids.map((_, n) => `counted-${n}`);
  for (const [n, requestId] of ids.entries()) {
    await server.client.incr({ key: keys[n] ?? "", delta: 3n, requestId });
  }
  const [a = "", b = "", c = "", d = ""] = keys;
  assert.equal(
    (
      await mset([
        { key: a, value: bytes("v") },
        { key: b, counter: 10n },
      ])
    ).map(said),
    ["stored", "stored"],
  );
  assert.equal((await mdelete([c, d])).map(said), ["deleted", "deleted"]);
  for (const [n, requestId] of ids.entries()) {
    const { value, replayed } = await server.client.incr({ key: keys[n] ?? "", delta: 3n, requestId });
    assert.equal([value, replayed], [3n, true]);
  }
  assert.equal(await Promise.all(keys.map(textOf)), ["v", 10n, undefined, undefined]);
});

test("answers that are lost, refused connections and throttling fail their own positions, with their outcomes", async () => {
  const keys = numbers(20).map((n) => `lost-${n}`);
  let requests = 0;
  proxy.decide = ({ operation }) =>
    operation !== "PutItem" ? "forward" : requests++ % 2 === 0 ? "lose-answer" : "refuse";
  const results = await mset(keys.map((key) => ({ key, value: bytes("v") })));
  proxy.reset();
  // What was applied is found to be; what was not cannot be told from what may yet be.
  assert.equal(new Set(results.map(said)), new Set(["stored", "Unavailable BACKEND_UNAVAILABLE UNKNOWN"]));
  for (const result of results) {
    assert.is(await textOf(result.key), result.result.case === "stored" ? "v" : undefined);
  }
  const taken = keys.filter((_, n) => results[n]?.result.case === "stored");
  proxy.decide = ({ operation }) => (operation === "DeleteItem" ? "lose-answer" : "forward");
  const deleted = await mdelete(taken, { returnEntries: true });
  assert.equal(new Set(deleted.map(said)), new Set(["Unavailable BACKEND_UNAVAILABLE UNKNOWN"]));
});

test("nothing is answered by nothing, and what is wrong with the request as a whole writes nothing", async () => {
  assert.equal(await mset([]), []);
  assert.equal(await mdelete([]), []);
  const tooMany = numbers(5001).map((n) => `many-${n}`);
  const entries = tooMany.map((key) => create(SetRequestSchema, { key }));
  for (const [call, field] of [
    [client.mSet({ entries }), "entries"],
    [client.mDelete({ keys: tooMany }), "keys"],
    [client.mDelete({ keys: ["k"], conditions: { 1: present } }), "conditions"],
  ] as const) {
    const failure = await failureOf(
      (async () => {
        for await (const _ of call) {
          assert.unreachable();
        }
      })(),
    );
    assert.equal([failure.code, failure.field, failure.outcome], ["InvalidArgument", field, "NOT_APPLIED"]);
  }
  assert.is(await read("many-0"), undefined);
});

test("a field that the server does not know fails the position that it is in, or the request, and nothing is written there", async () => {
  const never = { policy: { case: "never", value: {} } } as const;
  const $unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
  const names = ["newer: none", "newer: entry", "newer: condition", "newer: expiry"];
  const entries = names.map((key) =>
    create(SetRequestSchema, { key, value: bytes("v"), condition: absent, expiry: never }),
  );
  const [, ofEntry, ofCondition, ofExpiry] = entries;
  for (const part of [ofEntry, ofCondition?.condition, ofExpiry?.expiry]) {
    assert.ok(part);
    part.$unknown = $unknown;
  }
  const refused = "Unimplemented UNIMPLEMENTED NOT_APPLIED";
  assert.equal((await mset(entries)).map(said), ["stored", refused, refused, refused]);
  assert.equal(await Promise.all(names.map(textOf)), ["v", undefined, undefined, undefined]);
  const conditions = { 0: { ...create(ConditionSchema, present), $unknown } };
  assert.equal((await mdelete(["newer: none"], { conditions })).map(said), [refused]);
  for (const call of [
    client.mSet({ ...create(MSetRequestSchema, { entries: [{ key: "newer: request" }] }), $unknown }),
    client.mDelete({ ...create(MDeleteRequestSchema, { keys: ["newer: none"] }), $unknown }),
  ]) {
    const failure = await failureOf(call);
    assert.equal([failure.code, failure.outcome], ["Unimplemented", "NOT_APPLIED"]);
  }
  assert.equal([await textOf("newer: none"), await textOf("newer: request")], ["v", undefined]);
});

test("an MSet has as many writes in flight as its server gives it room for", async () => {
  const all = holdRequest(proxy, ["PutItem"]);
  const stored = mset(numbers(60).map((n) => ({ key: `flight-${n}`, value: bytes("v") })));
  await waitUntil("all of them have come", () => proxy.requests.get("PutItem") === 60);
  all.release();
  assert.equal(new Set((await stored).map(said)), new Set(["stored"]));
});

test("a reader who leaves, or whose deadline passes, ends the writing", async () => {
  const entries = numbers(3000).map((n) => create(SetRequestSchema, { key: `left-${n}`, value: bytes("v") }));
  const leave = new AbortController();
  try {
    for await (const _ of client.mSet({ entries }, { signal: leave.signal })) {
      leave.abort();
    }
    assert.unreachable();
  } catch (error) {
    assert.is(ConnectError.from(error).code, Code.Canceled);
  }
  const begun = () => proxy.requests.get("PutItem") ?? 0;
  let before = -1;
  await waitUntil("no more is written", () => {
    const isStill = begun() === before;
    before = begun();
    return isStill;
  });
  assert.ok(begun() < 3000, `${begun()} of 3000 were begun`);
  proxy.decide = ({ operation }) => (operation === "PutItem" ? "hang" : "forward");
  try {
    for await (const _ of client.mSet({ entries: entries.slice(0, 10) }, { timeoutMs: 300 })) {
      assert.unreachable();
    }
    assert.unreachable();
  } catch (error) {
    assert.is(ConnectError.from(error).code, Code.DeadlineExceeded);
  }
});

test("they come by every protocol", async () => {
  for (const [name, transport] of Object.entries(createTransports(server.url))) {
    const by = createClient(KeyValueService, transport);
    const keys = [`${name}-1`, `${name}-2`];
    assert.equal(
      (
        await mset(
          keys.map((key) => ({ key, value: bytes(name) })),
          by,
        )
      ).map(said),
      ["stored", "stored"],
    );
    const [first] = await mdelete(keys, { returnEntries: true, conditions: { 1: absent } }, by);
    assert.is(first?.result.case === "deleted" && first.result.value.existed, true, name);
    assert.is(await textOf(keys[1] ?? ""), name);
  }
});

test("plain JSON has a line for each message", async () => {
  async function post(method: string, body: unknown): Promise<string[]> {
    const response = await fetch(`${server.url}/dynakv.v1.KeyValueService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.text()).trim().split("\n");
  }
  const lines = await post("MSet", {
    entries: [{ key: "json", value: "djE=" }, { key: "" }, { key: "n", counter: "7" }],
  });
  const results = lines.flatMap((line) => JSON.parse(line).results);
  assert.is(results.length, 3);
  assert.equal(
    results
      .filter(({ stored }) => stored !== undefined)
      .map(({ key }) => key)
      .sort(),
    ["json", "n"],
  );
  assert.is(await textOf("json"), "v1");
  const [line = ""] = await post("MDelete", { keys: ["json"], conditions: { "0": { ifAbsent: {} } } });
  assert.is(JSON.parse(line).results[0].error.detail.reason, "ERROR_REASON_ALREADY_EXISTS");
  for (const conditions of [{ "0x0": { ifAbsent: {} } }, { "00": { ifAbsent: {} } }, { "0": { ifEtag: "\ud800" } }]) {
    const [odd = ""] = await post("MDelete", { keys: ["json"], conditions });
    assert.is(JSON.parse(odd).code, "invalid_argument", JSON.stringify(conditions));
  }
  const [refused = ""] = await post("MSet", { entries: [{ key: "json", vlaue: "djE=" }] });
  assert.is(JSON.parse(refused).code, "invalid_argument");
});

test.run();
