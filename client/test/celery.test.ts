import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { z } from "zod";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { chordKey, createCelery, groupKey, isFailure, isSuccess, taskKey } from "../src/celery.js";
import { createClient, type DynakvClient } from "../src/index.js";
import { errorOf } from "./support/error-of.js";

const test = suite("Celery's results");
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

/** As Celery 5 writes them. */
const success = {
  status: "SUCCESS",
  result: { sum: 5 },
  traceback: null,
  children: [
    [["child-1", null], null],
    [["inner", null], [[["child-2", null], null]]],
  ],
  date_done: "2026-11-23T08:13:57.490123",
  task_id: "ok",
};
const failure = {
  status: "FAILURE",
  result: { exc_type: "ValueError", exc_message: ["too small", 5], exc_module: "builtins" },
  traceback: "Traceback (most recent call last): …",
  children: [],
  date_done: "2026-11-23T08:13:57.490123+00:00",
  task_id: "bad",
  group_id: "g",
  parent_id: "p",
  name: "tasks.add",
  args: [1, 2],
  kwargs: { x: 1 },
  worker: "celery@host",
  retries: 2,
  queue: "celery",
};

const store = (key: string, meta: unknown) => client.set(key, Buffer.from(JSON.stringify(meta)));

test("keys have the form of Python's bytes literals", () => {
  assert.is(taskKey("abc"), "b'celery-task-meta-abc'");
  assert.is(groupKey("abc"), "b'celery-taskset-meta-abc'");
  assert.is(chordKey("abc"), "b'chord-unlock-abc'");
  // Written by Python's repr.
  assert.is(taskKey("it's"), `b"celery-task-meta-it's"`);
  assert.is(taskKey(`it's "so"`), `b'celery-task-meta-it\\'s "so"'`);
  assert.is(taskKey("ä\\\n\t\r\x00\x7f~"), "b'celery-task-meta-\\xc3\\xa4\\\\\\n\\t\\r\\x00\\x7f~'");
  assert.is(taskKey("a", { globalKeyPrefix: "app" }), "b'app_celery-task-meta-a'");
  assert.is(taskKey("a", { globalKeyPrefix: "app:" }), "b'app:celery-task-meta-a'");
  assert.throws(() => taskKey(""), /id must be a string of at least one character/);
});

test("a task that ended well has its result", async () => {
  await store(taskKey("ok"), success);
  const celery = createCelery(client);
  const task = await celery.task("ok", { schema: z.object({ sum: z.number() }) });
  assert.ok(task !== undefined && isSuccess(task));
  const { sum } = task.result;
  assert.is(sum, 5);
  assert.equal(task.children, ["child-1", "child-2"]);
  assert.is(task.dateDone?.toISOString(), "2026-11-23T08:13:57.490Z");
  assert.is(task.extended, undefined);
  assert.is(await celery.task("unknown"), undefined);
  const unfit = await errorOf(celery.task("ok", { schema: z.object({ sum: z.string() }) }));
  assert.is(unfit.reason, "UNDECODABLE");
});

test("a task that failed has its exception", async () => {
  await store(taskKey("bad"), failure);
  const task = await createCelery(client).task("bad");
  assert.ok(task !== undefined && isFailure(task));
  assert.equal(task.error, {
    type: "ValueError",
    module: "builtins",
    message: ["too small", 5],
    traceback: "Traceback (most recent call last): …",
  });
  assert.equal(
    [task.groupId, task.parentId, task.dateDone?.getTime()],
    ["g", "p", Date.UTC(2026, 10, 23, 8, 13, 57, 490)],
  );
  assert.equal(task.extended, {
    name: "tasks.add",
    args: [1, 2],
    kwargs: { x: 1 },
    worker: "celery@host",
    queue: "celery",
    retries: 2,
    stampedHeaders: [],
    stamps: {},
  });
});

test("a stamp that is named, but was not stored, is none", async () => {
  const headers = ["tenant", "toString", 5, "__proto__"];
  await store(taskKey("stamped"), { ...failure, stamped_headers: headers, tenant: ["t1"] });
  const task = await createCelery(client).task("stamped");
  assert.equal(task?.extended?.stampedHeaders, ["tenant", "toString", "__proto__"]);
  assert.equal(Object.entries(task?.extended?.stamps ?? {}), [["tenant", ["t1"]]]);
});

test("a date_done that cannot be read is undefined, and children that cannot be read are left out", async () => {
  const celery = createCelery(client);
  const read: (string | undefined)[] = [];
  for (const date of [
    "soon",
    "2026-02-31T00:00:00",
    "2026-13-01T00:00:00",
    "",
    5,
    {},
    "2026-11-23 08:00",
    "2026-11-23T08:00:00.5+0130",
  ]) {
    await store(taskKey("dated"), {
      ...success,
      date_done: date,
      children: ["odd", [["a", null], null], [[5, null], null], 5],
    });
    const task = await celery.task("dated");
    read.push(task?.dateDone?.toISOString());
    assert.equal(task?.children, ["a"]);
  }
  assert.equal(read, [...Array(6).fill(undefined), "2026-11-23T08:00:00.000Z", "2026-11-23T06:30:00.500Z"]);
});

test("what no task has written is said to be so", async () => {
  const celery = createCelery(client);
  await client.set(taskKey("pickled"), Uint8Array.of(0x80, 4, 0x95));
  await client.incr(taskKey("counter"));
  await client.set(taskKey("packed"), Uint8Array.of(0xde, 0, 16));
  assert.match((await errorOf(celery.task("packed"))).message, "result_serializer 'msgpack'");
  assert.match((await errorOf(celery.task("pickled"))).message, "result_serializer 'pickle'");
  await store(taskKey("stateless"), { result: 1 });
  await store(taskKey("list"), []);
  for (const id of ["pickled", "counter", "stateless", "list"]) {
    assert.is((await errorOf(celery.task(id))).reason, "UNDECODABLE", id);
  }
});

test("groups and chords", async () => {
  const celery = createCelery(client, { globalKeyPrefix: "app" });
  const tuple = [
    ["g", null],
    [
      [["a", null], null],
      [["b", ["a", null]], null],
    ],
  ];
  await store(groupKey("g", { globalKeyPrefix: "app" }), { result: tuple });
  assert.equal((await celery.group("g"))?.taskIds, ["a", "b"]);
  assert.is(await celery.group("none"), undefined);
  await store(groupKey("odd", { globalKeyPrefix: "app" }), { result: "text" });
  assert.is((await errorOf(celery.group("odd"))).reason, "UNDECODABLE");
  // A member that is lost would be a group of another size.
  await store(groupKey("torn", { globalKeyPrefix: "app" }), {
    result: [
      ["torn", null],
      [[["a", null], null], "odd"],
    ],
  });
  assert.is((await errorOf(celery.group("torn"))).reason, "UNDECODABLE");
  await client.incr(chordKey("g", { globalKeyPrefix: "app" }), { delta: 2n });
  assert.is(await celery.chordCount("g"), 2n);
  assert.is(await celery.chordCount("none"), undefined);
});

test("waiting ends when the task has", async () => {
  const celery = createCelery(client);
  await store(taskKey("slow"), { ...success, status: "STARTED", result: { pid: 5 } });
  const started = await celery.task("slow");
  assert.equal(started !== undefined && "progress" in started && started.progress, { pid: 5 });
  const waiting = celery.waitForTask("slow", { baseDelayMs: 1, maxDelayMs: 2 });
  for (const status of ["RETRY", "REJECTED", "IGNORED"]) {
    await store(taskKey("slow"), { ...failure, status });
    await sleep(10);
  }
  await store(taskKey("slow"), success);
  const task = await waiting;
  assert.equal(isSuccess(task) && task.result, { sum: 5 });
});

test("waiting ends by its deadline and by its signal", async () => {
  const celery = createCelery(client);
  const late = await errorOf(celery.waitForTask("never", { timeoutMs: 30, baseDelayMs: 1 }));
  assert.is(late.reason, "DEADLINE_EXCEEDED");
  const controller = new AbortController();
  const left = errorOf(celery.waitForTask("never", { signal: controller.signal, baseDelayMs: 1e6, maxDelayMs: 1e6 }));
  await client.get("a");
  controller.abort();
  assert.is((await left).reason, "CANCELED");
  assert.is((await errorOf(celery.waitForTask("never", { signal: AbortSignal.abort() }))).reason, "CANCELED");
});

test.run();
