import * as assert from "uvu/assert";
import { createRequestId } from "../../../common/request-ids.js";
import { Consistency, type Entry } from "../../../gen/dynakv/v1/entry_pb.js";
import { ErrorReason, Outcome, type ResultError } from "../../../gen/dynakv/v1/error_pb.js";
import { nameOf } from "../../src/calls/enum-names.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { failureOf } from "../support/errors.js";
import { suite } from "../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../support/test-server.js";

/**
 * What each call of one key, and each position of one of many, is answered in each edge case. What is forbidden among many, and what is
 * unreadable among them: rights.test.ts and mget.test.ts. Deadlines of streams: mget.test.ts, scan.test.ts and many-writes.test.ts.
 */
const test = suite("edge cases of every call");
let nowMs = 1_800_000_000_400;
let server: TestServer;
let proxy: FaultProxy;
/** Of a replica that reaches the engine through the proxy. */
let faulty: KeyValueClient;
/** The same, whose calls have a second; or longer, on a machine that is too busy to ask the engine for all of them in that time. */
let impatient: KeyValueClient;
const lateAnswers = new Map<string, string>();
/** The keys whose requests were never answered. */
const hung = new Set<string>();

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client: faulty } = await server.replica({ endpoint: proxy.endpoint }));
  const late = Object.entries(calls).filter(([name]) => answers[name]?.[columns.indexOf("late")] !== "");
  for (const defaultDeadlineSeconds of [1, 5, 25]) {
    ({ client: impatient } = await server.replica({ endpoint: proxy.endpoint, defaultDeadlineSeconds }));
    hung.clear();
    // All at once, since each takes its second.
    await Promise.all(late.map(async ([name, call]) => lateAnswers.set(name, await answerIn("late", name, call))));
    if (hung.size === late.length) {
      break;
    }
  }
});

test.before.each(() => proxy.reset());

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const bytes = (text: string) => Buffer.from(text);
const strong = Consistency.STRONG;
const expiry = { policy: { case: "after", value: { seconds: 60n } } } as const;
const keep = { policy: { case: "keep", value: {} } } as const;
const other = { test: { case: "ifEtag", value: "other" } } as const;
const ofMany = "an ordinary key beside it";

const dataOf = (entry: Entry | undefined) =>
  entry?.data.case === "value" ? Buffer.from(entry.data.value).toString() : `${entry?.data.value ?? "nothing"}`;
const tell = (error: { reason: string | undefined; outcome: string | undefined }) =>
  [error.reason, error.outcome].filter((name) => name !== undefined && name !== "UNSPECIFIED").join(" ");
const tellResult = ({ detail }: ResultError) =>
  tell({ reason: nameOf(ErrorReason, detail?.reason ?? 0), outcome: nameOf(Outcome, detail?.outcome ?? 0) });

interface At {
  readonly key: string;
  /** The etag of what the key holds, where there is something. */
  readonly etag: string;
  /** What a Set stores there. */
  readonly value: Uint8Array<ArrayBuffer>;
  readonly condition?: typeof other;
}
type Make = (client: KeyValueClient, at: At) => Promise<string>;

/** The answer for the key, of a stream which also has to answer for another. */
async function positionOf<R extends { index: number; result: { case?: string | undefined; value?: unknown } }>(
  stream: AsyncIterable<{ results: R[] }>,
  say: (result: R["result"]) => string,
): Promise<string> {
  const told: string[] = [];
  for await (const { results } of stream) {
    for (const { index, result } of results) {
      told[index] = result.case === "error" ? tellResult(result.value as ResultError) : say(result);
    }
  }
  assert.equal([told.length, told[1] === undefined], [2, false]);
  return told[0] as string;
}

const calls: Record<string, Make> = {
  Get: async (client, { key }) => dataOf((await client.get({ key, consistency: strong })).entry),
  MGet: (client, { key }) =>
    positionOf(client.mGet({ keys: [key, ofMany], consistency: strong }), ({ case: found, value }) =>
      dataOf(found === "entry" ? (value as Entry) : undefined),
    ),
  Set: async (client, { etag: _, ...at }) => ((await client.set(at)).etag === "" ? "" : "stored"),
  "Set, previous": async (client, { etag: _, ...at }) =>
    dataOf((await client.set({ ...at, returnPrevious: true })).previous),
  "Set, keep": async (client, { etag: _, ...at }) =>
    (await client.set({ ...at, expiry: keep })).etag === "" ? "" : "stored",
  MSet: (client, { etag: _, ...at }) =>
    positionOf(
      client.mSet({
        entries: [at, { key: ofMany, value: bytes("new") }],
      }),
      () => "stored",
    ),
  Delete: async (client, { etag: _, value: __, ...at }) => `${(await client.delete(at)).existed}`,
  "Delete, entry": async (client, { etag: _, value: __, ...at }) =>
    dataOf((await client.delete({ ...at, returnEntry: true })).entry),
  "Delete, id": async (client, { key, etag, condition }) => {
    const named = condition ?? ({ test: { case: "ifEtag", value: etag } } as const);
    return `${(await client.delete({ key, condition: named, requestId: createRequestId(nowMs) })).existed}`;
  },
  MDelete: (client, { key, condition }) =>
    positionOf(
      client.mDelete({ keys: [key, ofMany], conditions: condition === undefined ? {} : { 0: condition } }),
      ({ value }) => `${(value as { existed: boolean }).existed}`,
    ),
  Incr: async (client, { key }) => `${(await client.incr({ key, requestId: createRequestId(nowMs) })).value}`,
  "Incr, no id": async (client, { key }) => `${(await client.incr({ key })).value}`,
  Touch: async (client, { etag: _, value: __, ...at }) => `${(await client.touch({ ...at, expiry })).existed}`,
  "Touch, entry": async (client, { etag: _, value: __, ...at }) =>
    dataOf((await client.touch({ ...at, expiry, returnEntry: true })).entry),
};

const writes = /^(Put|Update|Delete)Item$/;
/** What lies at the key before, and what befalls the call. */
const columns = [
  "absent",
  "expired",
  "counter",
  "foreign",
  "refused",
  "lost before",
  "lost after",
  "late",
  "oversized",
] as const;
const unreadable = "UNREADABLE_ITEM";
const mismatch = "ETAG_MISMATCH NOT_APPLIED";
const unknown = "BACKEND_UNAVAILABLE UNKNOWN";
const large = "VALUE_TOO_LARGE NOT_APPLIED";
const late = "DEADLINE_EXCEEDED UNKNOWN";
/** Empty where there is no such case. */
const answers: Record<keyof typeof calls, readonly string[]> = {
  Get: ["nothing", "nothing", "5", unreadable, "", "old", "old", "DEADLINE_EXCEEDED", ""],
  MGet: ["nothing", "nothing", "5", unreadable, "", "old", "old", "", ""],
  Set: ["stored", "stored", "stored", "stored", mismatch, unknown, "stored", late, large],
  "Set, previous": [
    "nothing",
    "nothing",
    "5",
    "nothing",
    mismatch,
    unknown,
    "BACKEND_UNAVAILABLE APPLIED",
    late,
    large,
  ],
  "Set, keep": ["stored", "stored", "stored", "stored", mismatch, unknown, "stored", late, large],
  MSet: ["stored", "stored", "stored", "stored", mismatch, unknown, "stored", "", large],
  Delete: ["false", "false", "true", "true", mismatch, unknown, unknown, late, ""],
  "Delete, entry": ["nothing", "nothing", "5", "nothing", mismatch, unknown, unknown, late, ""],
  "Delete, id": [mismatch, mismatch, "true", "", mismatch, "true", "true", late, ""],
  MDelete: ["false", "false", "true", "true", mismatch, unknown, unknown, "", ""],
  Incr: ["1", "1", "6", `${unreadable} NOT_APPLIED`, "", "6", "6", late, ""],
  "Incr, no id": ["1", "1", "6", `${unreadable} NOT_APPLIED`, "", "6", "6", late, ""],
  Touch: ["false", "false", "true", "true", mismatch, unknown, "true", late, ""],
  "Touch, entry": ["nothing", "nothing", "5", "nothing", mismatch, unknown, "old", late, ""],
};

for (const [name, call] of Object.entries(calls)) {
  test(`${name}: ${columns.filter((_, n) => answers[name]?.[n] !== "").join(", ")}`, async () => {
    const told = await Promise.all(
      columns.map((column, n) => {
        const isNoCase = answers[name]?.[n] === "";
        return isNoCase ? "" : column === "late" ? lateAnswers.get(name) : answerIn(column, name, call);
      }),
    );
    assert.equal(told, answers[name]);
  });
}

async function answerIn(column: (typeof columns)[number], name: string, make: Make): Promise<string> {
  const key = `${name} ${column}`;
  const { etag } = await prepare(column, key, name.startsWith("Incr"));
  const value = column === "oversized" ? Buffer.alloc(409_600) : bytes("new");
  const at = { key, etag, value, ...(column === "refused" ? { condition: other } : {}) };
  const client = column.startsWith("lost") ? faulty : column === "late" ? impatient : server.client;
  const fault = { "lost before": "refuse", "lost after": "lose-answer", late: "hang" } as const;
  if (column in fault) {
    const kind = fault[column as keyof typeof fault];
    let left = column === "late" ? Number.POSITIVE_INFINITY : 1;
    rules.set(key, (operation) => {
      if ((isWrite(name) && !writes.test(operation)) || left-- <= 0) {
        return "forward";
      }
      if (kind === "hang") {
        hung.add(key);
      }
      return kind;
    });
    proxy.decide = ({ operation, bytes: body }) => {
      const text = body.toString();
      const rule = [...rules].find(([each]) => text.includes(`"${each}"`));
      return rule?.[1](operation) ?? "forward";
    };
  }
  let failure: ReturnType<typeof failureOf> | undefined;
  const answer = await make(client, at).catch((error: unknown) => {
    failure = failureOf(Promise.reject(error));
    return "";
  });
  return failure === undefined ? answer : tell(await failure);
}

const rules = new Map<string, (operation: string) => "refuse" | "lose-answer" | "hang" | "forward">();
const isWrite = (name: string) => !/^M?Get$/.test(name);

async function prepare(column: string, key: string, isCounter: boolean): Promise<{ etag: string }> {
  switch (column) {
    case "absent":
      return { etag: "none" };
    case "expired": {
      const at = { policy: { case: "at", value: { seconds: BigInt(Math.floor(nowMs / 1000)) + 1n } } } as const;
      const { etag } = await server.client.set({ key, value: bytes("old"), expiry: at });
      nowMs += 1000;
      return { etag };
    }
    case "foreign":
      await server.putRaw({ id: { S: key }, [isCounter ? "result" : "other"]: { S: "x" } });
      return { etag: "none" };
    default:
      return column === "counter" || isCounter
        ? server.client.set({ key, counter: 5n })
        : server.client.set({ key, value: bytes("old") });
  }
}

test.run();
