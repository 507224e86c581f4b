import { readFileSync } from "node:fs";
import { join } from "node:path";
import zlib from "node:zlib";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { root } from "../../tools/root.js";
import {
  CompressionError,
  createCelery,
  hasEnded,
  isFailure,
  isSuccess,
  PythonDate,
  PythonDateTime,
  PythonDecimal,
  PythonTime,
  PythonUuid,
  resultNodeOf,
  type TaskResult,
} from "../src/celery.js";
import { createClient, type DynakvClient } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("what Celery has written");
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

interface Written {
  readonly name: string;
  readonly serializer: "json" | "yaml" | "msgpack" | "pickle";
  readonly compression: string | null;
  readonly extended: boolean;
  readonly key: string;
  readonly value: string;
}

/** Written by tests/interop/celery/write_results.py, which `npm run interop` runs again. */
const [, ...written] = readFileSync(join(root, "tests/interop/celery/written-results.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Written);

const combinations = written.filter(({ name }) => ["success", "failure", "group"].includes(name));
/** The compressions that this Node cannot undo. */
const unreadable = new Set(["bzip2", "lzma", ...("zstdDecompress" in zlib ? [] : ["zstd"])]);

const store = ({ key, value }: Written) => client.set(key, Buffer.from(value, "base64"));

async function read(name: string, extended = false, options = {}): Promise<TaskResult> {
  const one = written.find((each) => each.name === name && each.extended === extended);
  assert.ok(one !== undefined, name);
  await store(one);
  const task = await createCelery(client, options).task("id");
  assert.ok(task !== undefined, name);
  return task;
}

async function resultOf(name: string, options = {}): Promise<unknown> {
  const task = await read(name, false, options);
  assert.ok(isSuccess(task), name);
  return task.result;
}

const dateDone = new Date(Date.UTC(2026, 10, 23, 8, 13, 57, 490));
const extendedFacts = {
  name: "tasks.add",
  args: [2, 3],
  kwargs: { plus: 1 },
  worker: "celery@host",
  queue: "fast",
  retries: 0,
  stampedHeaders: [],
  stamps: {},
};
const facts = { taskId: "id", dateDone, children: [], childResults: [] };
const expected = {
  success: {
    ...facts,
    groupId: "g",
    parentId: "p",
    status: "SUCCESS",
    result: { sum: 5, list: [1, 2.5, null, true, "ключ 🔑"] },
  },
  failure: {
    ...facts,
    groupId: undefined,
    parentId: undefined,
    status: "FAILURE",
    error: {
      type: "ValueError",
      module: "builtins",
      message: ["too small", 5],
      traceback: "Traceback (most recent call last):\n  …\nValueError: ('too small', 5)\n",
    },
  },
  group: {
    groupId: "g",
    taskIds: ["a", "b"],
    results: [
      { kind: "task", id: "a", parent: undefined },
      { kind: "task", id: "b", parent: { kind: "task", id: "a", parent: undefined } },
    ],
    parent: undefined,
  },
};

/** What `task` or `group` makes of a combination; `etag` is not Celery's. */
async function readAgain({ name }: Written, options = {}): Promise<unknown> {
  const celery = createCelery(client, options);
  if (name === "group") {
    return celery.group("g");
  }
  const { etag, ...rest } = (await celery.task("id")) as TaskResult;
  assert.ok(etag);
  return rest;
}

test("every compression of JSON is read, or named where it cannot be", async () => {
  for (const each of combinations.filter(({ serializer }) => serializer === "json")) {
    const { name, compression, extended } = each;
    await store(each);
    if (compression !== null && unreadable.has(compression)) {
      const { reason, message, cause } = await errorOf(readAgain(each));
      assert.is(reason, "UNDECODABLE");
      assert.match(message, `compressed by ${compression}, which this platform cannot undo`);
      assert.not.match(message, "serializer");
      assert.ok(cause instanceof CompressionError);
      assert.match(cause.contentType, /^application\/(x-bz2|x-lzma|zstd)$/);
      continue;
    }
    const wanted = expected[name as keyof typeof expected];
    assert.equal(
      await readAgain(each),
      name === "group" ? wanted : { ...wanted, extended: extended ? extendedFacts : undefined },
      `${name}, ${compression}`,
    );
  }
});

test("other serializers are named, with every compression, and go to a reader of their own", async () => {
  const others = combinations.filter(({ serializer }) => serializer !== "json");
  assert.is(others.length, 3 * 7 * 5);
  for (const each of others) {
    await store(each);
    const isReadable = !unreadable.has(each.compression ?? "");
    const { reason, message } = await errorOf(readAgain(each));
    assert.is(reason, "UNDECODABLE");
    assert.match(message, isReadable ? `result_serializer '${each.serializer}'` : `compressed by ${each.compression}`);
    if (isReadable) {
      const own = { status: "SUCCESS", result: "read", date_done: null };
      let payload = new Uint8Array();
      const deserialize = (bytes: Uint8Array) => {
        payload = Uint8Array.from(bytes);
        return each.name === "group" ? { result: [["own", null], []] } : own;
      };
      const { result = "read" } = (await readAgain(each, { deserialize })) as { result?: unknown };
      assert.is(result, "read");
      const plain = others.find(
        ({ name, serializer, extended, compression }) =>
          name === each.name && serializer === each.serializer && extended === each.extended && compression === null,
      );
      assert.is(Buffer.from(payload).toString("base64"), plain?.value);
    }
  }
});

test("numbers are exact: whole ones past 2^53 as bigint, and those that JSON has no word for", async () => {
  assert.equal(await resultOf("whole numbers"), [
    0,
    0,
    2 ** 53 - 1,
    9007199254740992n,
    9007199254740993n,
    -(2 ** 53 - 1),
    -9007199254740993n,
    18446744073709551616n,
    10n ** 30n,
  ]);
  assert.is(await resultOf("the longest whole number"), 10n ** 4299n);
  const floats = (await resultOf("floats")) as number[];
  assert.ok(floats.every((float) => typeof float === "number"));
  assert.ok(Object.is(floats[1], -0));
  assert.equal(floats, [0, -0, 1e16, 2 ** 53, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE]);
  assert.equal(await resultOf("no numbers"), { nan: Number.NaN, both: [Infinity, -Infinity] });
});

test("kombu's types are typed values", async () => {
  const datetimes = (await resultOf("datetimes")) as PythonDateTime[];
  assert.ok(datetimes.every((each) => each instanceof PythonDateTime && each instanceof Date));
  assert.equal(
    datetimes.map(({ text, hasOffset }) => [text, hasOffset]),
    [
      ["2026-11-23T08:13:57.490123", false],
      ["2026-11-23T08:13:57", false],
      ["2026-11-23T08:13:57.490123+00:00", true],
      ["2026-11-23T08:13:57.490123+05:30", true],
      ["2026-11-23T08:13:57-00:01:30", true],
      ["0001-01-01T00:00:00", false],
      ["9999-12-31T23:59:59.999999", false],
    ],
  );
  assert.equal(
    datetimes.map((each) => each.toISOString()),
    [
      "2026-11-23T08:13:57.490Z",
      "2026-11-23T08:13:57.000Z",
      "2026-11-23T08:13:57.490Z",
      "2026-11-23T02:43:57.490Z",
      "2026-11-23T08:15:27.000Z",
      "0001-01-01T00:00:00.000Z",
      "9999-12-31T23:59:59.999Z",
    ],
  );
  assert.equal(await resultOf("dates"), [new PythonDate("2024-02-29"), new PythonDate("0001-01-01")]);
  assert.equal(
    await resultOf("times"),
    ["08:13:00", "08:13:57.490123", "08:13:57+05:30"].map((text) => new PythonTime(text)),
  );
  const decimals = ["1.10", "-0.00", "1E+30", "1E-999999", "NaN", "sNaN", "-Infinity", "9".repeat(50)];
  assert.equal(
    await resultOf("decimals"),
    decimals.map((text) => new PythonDecimal(text)),
  );
  assert.is(Number(new PythonDecimal("1.10")), 1.1);
  assert.equal(await resultOf("uuids"), { id: new PythonUuid("3f0c9d1e-0000-4000-8000-00000000abcd") });
  assert.is(JSON.stringify(await resultOf("uuids")), '{"id":"3f0c9d1e-0000-4000-8000-00000000abcd"}');
  const bytes = (await resultOf("bytes")) as Uint8Array[];
  assert.ok(bytes.every((each) => each instanceof Uint8Array));
  assert.equal(
    bytes.map((each) => Buffer.from(each)),
    [
      Buffer.of(),
      Buffer.from("text"),
      Buffer.from("ключ"),
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    ],
  );
});

test("types that an application has registered", async () => {
  assert.equal(await resultOf("sets"), [new Set([1, 9007199254740993n]), new Set(["a", "b"]), new Set()]);
  assert.equal(await resultOf("a registered type"), { ratio: { __type__: "fraction", __value__: [1, 3] } });
  const types = { fraction: (pair: unknown) => (pair as number[]).join("/"), set: () => "mine" };
  assert.equal(await resultOf("a registered type", { types }), { ratio: "1/3" });
  const failed = await read("an exception's registered types", false, { types });
  assert.equal(isFailure(failed) && failed.error.message, ["1/3", "mine"]);
  const fails = () => {
    throw new RangeError("no such fraction");
  };
  const { reason, cause } = await errorOf(resultOf("a registered type", { types: { fraction: fails } }));
  assert.is(reason, "UNDECODABLE");
  assert.ok(cause instanceof RangeError);
});

test("arguments of tasks and of exceptions have their types", async () => {
  const now = new PythonDateTime("2026-11-23T08:13:57.490123+00:00");
  const { extended } = await read("typed arguments", true);
  assert.equal(extended?.args, [now, 9007199254740993n]);
  assert.equal(extended?.kwargs, { price: new PythonDecimal("1.10") });
  const failed = await read("an exception's typed arguments");
  assert.ok(isFailure(failed));
  assert.equal(
    failed.error.message.map((each) => (each instanceof Uint8Array ? [...each] : each)),
    [
      new PythonUuid("3f0c9d1e-0000-4000-8000-00000000abcd"),
      new PythonDecimal("1.10"),
      now,
      18446744073709551616n,
      Number.NaN,
      [255],
    ],
  );
  const without = await read("an exception's argument without a form");
  assert.equal(isFailure(without) && without.error.message, ["{1}", "<class 'object'>"]);
});

test("what only looks like a type, and names that a prototype has, are what was stored", async () => {
  const odd = (await resultOf("names that a prototype has")) as Record<string, unknown>;
  assert.equal(Object.keys(odd), ["__proto__", "constructor", "toString"]);
  assert.is(Object.getPrototypeOf(odd), Object.prototype);
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(Object.getOwnPropertyDescriptor(odd, "__proto__")?.value, { polluted: true });
  assert.equal(await resultOf("an unknown type"), { __type__: "nonesuch", __value__: [1] });
  assert.equal(await resultOf("a type's name of a prototype"), { __type__: "constructor", __value__: "x" });
  const misfits = (await resultOf("types that do not fit")) as { __value__: unknown }[];
  assert.equal(
    misfits.map(({ __value__: value }) => value),
    ["2026-02-31T00:00:00", 5, `${"1".repeat(5000)}x`, null, "*", 1],
  );
  assert.equal(await resultOf("no types"), [
    { __type__: "date" },
    { __type__: "date", __value__: "2026-11-23", more: 1 },
  ]);
  assert.equal(await resultOf("odd text"), ["\ud800", "\0\x1f\x7f\u2028", '"\\/', "🔑"]);
  assert.equal(await resultOf("names that are no text"), { 1: "int", "2.5": "float", false: "bool", null: "none" });
  let deep = await resultOf("deep");
  for (let depth = 0; depth < 900; depth++) {
    deep = (deep as unknown[])[0];
  }
  assert.is(deep, "core");
  assert.is(await resultOf("nothing"), null);
});

test("states are Celery's, and exceptions have their types", async () => {
  const ended: Record<string, boolean> = {};
  for (const name of ["success", "failure", "revoked", "retry", "started", "progress", "rejected", "ignored"]) {
    const task = await read(name);
    ended[task.status] = hasEnded(task);
    assert.is(isFailure(task), ["failure", "revoked", "retry"].includes(name), name);
    assert.is(task.dateDone !== undefined, hasEnded(task), name);
  }
  assert.equal(ended, {
    SUCCESS: true,
    FAILURE: true,
    REVOKED: true,
    RETRY: false,
    STARTED: false,
    PROGRESS: false,
    REJECTED: false,
    IGNORED: false,
  });
  const errors = {
    revoked: ["TaskRevokedError", "celery.exceptions", ["terminated"]],
    retry: ["ConnectionRefusedError", "builtins", [111, "refused"]],
    "an exception of an inner class": ["Outer.InnerError", "__main__", ["deep"]],
    "an exception as pairs": ["ValueError", "builtins", ["too small", 5]],
    "an exception of one text": ["KeyError", "builtins", ["x"]],
    "a failure that is no exception": ["Exception", undefined, [{ progress: 5 }]],
    "a failure of nothing": ["Exception", undefined, []],
  };
  for (const [name, [type, module, message]] of Object.entries(errors)) {
    const task = await read(name);
    assert.ok(isFailure(task), name);
    assert.equal([task.error.type, task.error.module, task.error.message], [type, module, message], name);
  }
  const progress = await read("progress");
  assert.equal("progress" in progress && progress.progress, {
    done: 3,
    at: new PythonDateTime("2026-11-23T08:13:57.490123+00:00"),
  });
  assert.equal((await read("done in Berlin")).dateDone, dateDone);
});

test("stamps have their fields, with result_extended", async () => {
  for (const name of ["stamped", "stamped failure"]) {
    assert.is((await read(name)).extended, undefined);
    const { extended } = await read(name, true);
    assert.equal(extended?.stampedHeaders, ["tenant", "visitors", "__proto__", "hasOwnProperty"]);
    assert.equal(Object.entries(extended?.stamps ?? {}), [
      ["tenant", ["t1"]],
      ["visitors", ["a", new PythonUuid("3f0c9d1e-0000-4000-8000-00000000abcd")]],
      ["__proto__", ["x"]],
      ["hasOwnProperty", ["y"]],
    ]);
    assert.is(extended?.name, "tasks.add");
  }
});

const task = (id: string, parent?: unknown) => ({ kind: "task", id, parent });
const group = (id: string, results: unknown[] = [], parent?: unknown) => ({ kind: "group", id, parent, results });
const inner = group("inner", [task("b"), group("innermost", [task("c"), group("empty")])], task("before"));

test("groups in groups keep their shape, and so do children", async () => {
  const { children, childResults } = await read("children");
  assert.equal(childResults, [task("a"), inner, task("d", task("c"))]);
  assert.equal(children, ["a", "b", "c", "d"]);
  const groupOf = async (name: string) => {
    await store(written.find((each) => each.name === name) as Written);
    return createCelery(client).group("g");
  };
  assert.equal(await groupOf("a group in a group"), {
    groupId: "g",
    taskIds: ["a", "b", "c", "d"],
    results: [task("a"), inner, task("d")],
    parent: task("first", group("zeroth")),
  });
  assert.equal(await groupOf("an empty group"), { groupId: "g", taskIds: [], results: [], parent: undefined });
  let link = (await groupOf("a long chain"))?.results[0];
  for (let number = 299; number >= 0; number--) {
    assert.is(link?.id, `link-${number}`);
    link = link?.parent;
  }
  assert.is(link, undefined);
  assert.equal(resultNodeOf(await resultOf("results as a result")), inner);
  assert.is(resultNodeOf(await resultOf("dates")), undefined);
  assert.is((await read("a child of a long chain")).childResults[0]?.id, "link-299");
});

test("keys of key_t = str, and with prefixes", async () => {
  const options = {
    "str keys": { keyType: "str" },
    "a prefix": { globalKeyPrefix: "app" },
    "str keys and a prefix": { keyType: "str", globalKeyPrefix: "app:" },
  } as const;
  for (const [name, option] of Object.entries(options)) {
    const [one, its] = written.filter((each) => each.name === name || each.name === `${name}, group`);
    await store(one as Written);
    await store(its as Written);
    const celery = createCelery(client, option);
    assert.is((await celery.task("id"))?.status, "SUCCESS", name);
    assert.equal((await celery.group("g"))?.taskIds, ["a"], name);
    assert.ok(await client.delete((one as Written).key));
    assert.is(await celery.task("id"), undefined);
  }
});

test.run();
