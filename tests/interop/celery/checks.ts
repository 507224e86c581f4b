import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { createCelery, isFailure, isSuccess } from "../../../client/src/celery.js";
import type { DynakvClient } from "../../../client/src/index.js";
import { createRequestId } from "../../../common/request-ids.js";
import type { CeleryDriver } from "./celery-driver.js";
import type { KeyValue } from "./key-value.js";

/** One table, with Celery's worker and a caller of Celery's on it, and dynakv. */
export interface SharedTable {
  readonly celery: CeleryDriver;
  readonly dynakv: KeyValue;
  /** The client package on the same server. */
  readonly client: DynakvClient;
  /** The same caller with `?ttl_seconds=3600`, on an engine that has the calls which Celery makes for it. */
  readonly celeryWithExpiry?: CeleryDriver | undefined;
  /** For files that tasks wait for. */
  readonly folder: string;
}

export interface Check {
  readonly row: string;
  /** Whether it needs `celeryWithExpiry`. */
  readonly needsTtlCalls?: true;
  /** Rejects when something differs. */
  run(shared: SharedTable): Promise<void>;
}

const defaultQueue = "celery";

export const checks: readonly Check[] = [
  {
    row: "dynakv reads the result of a task, at the key that the docs tell",
    async run({ celery, dynakv }) {
      const { id, key } = await celery.runTask("echo", { text: "ключ 🔑", number: 1.5, nothing: null });
      assert.equal(key, `b'celery-task-meta-${id}'`);
      const { status, result, task_id } = await dynakv.readResult(key);
      assert.deepEqual(
        { status, result, task_id },
        { status: "SUCCESS", result: { text: "ключ 🔑", number: 1.5, nothing: null }, task_id: id },
      );
      const writtenMs = Number((await dynakv.read(key))?.writeTime?.seconds) * 1000;
      assert.ok(Math.abs(Date.now() - writtenMs) < 300_000, "the write time is not that of now");
    },
  },
  {
    row: "dynakv reads the error of a task that failed",
    async run({ celery, dynakv }) {
      const { key } = await celery.runTask("fail", "no luck");
      const { status, result } = await dynakv.readResult(key);
      assert.deepEqual(
        { status, result },
        { status: "FAILURE", result: { exc_type: "ValueError", exc_message: ["no luck"], exc_module: "builtins" } },
      );
    },
  },
  {
    row: "dynakv reads a group, and the results of its tasks with one MGet",
    async run({ celery, dynakv }) {
      const numbers = Array.from({ length: 10 }, (_, index) => index);
      const { id, key, keys } = await celery.runGroup(
        "echo",
        numbers.map((number) => [number]),
      );
      assert.equal(key, `b'celery-taskset-meta-${id}'`);
      const saved = JSON.stringify(await dynakv.readResult(key));
      for (const each of keys) {
        assert.ok(saved.includes(each.slice("b'celery-task-meta-".length, -1)), `the group has no ${each}`);
      }
      const results = await dynakv.readResults(keys);
      assert.deepEqual(
        results.map(({ result }) => result),
        numbers,
      );
    },
  },
  {
    row: "@dynakv/client/celery has results, errors and groups as typed objects",
    async run({ celery, client }) {
      const reader = createCelery(client);
      const waiting = { timeoutMs: 300_000, consistency: "strong" } as const;
      const { id } = await celery.runTask("echo", { text: "ключ 🔑" });
      const done = await reader.waitForTask(id, waiting);
      assert.ok(isSuccess(done));
      assert.deepEqual(done.result, { text: "ключ 🔑" });
      assert.ok(Math.abs(Date.now() - (done.dateDone?.getTime() ?? 0)) < 300_000, `done at ${done.dateDone}`);
      const failed = await reader.waitForTask((await celery.runTask("fail", "no luck")).id, waiting);
      assert.ok(isFailure(failed));
      assert.deepEqual([failed.error.type, failed.error.message], ["ValueError", ["no luck"]]);
      assert.match(failed.error.traceback ?? "", /no luck/);
      const group = await celery.runGroup("echo", [[1], [2]]);
      const taskIds = group.keys.map((key) => key.slice("b'celery-task-meta-".length, -1));
      const saved = await reader.group(group.id, waiting);
      assert.deepEqual([saved?.groupId, saved?.taskIds], [group.id, taskIds]);
    },
  },
  {
    row: "Celery restores a group that dynakv has written, with its results",
    async run({ celery, dynakv }) {
      const [group, ...tasks] = [randomUUID(), randomUUID(), randomUUID()] as const;
      const saved = { result: [[group, null], tasks.map((id) => [[id, null], null])] };
      await dynakv.client.set({ key: `b'celery-taskset-meta-${group}'`, value: Buffer.from(JSON.stringify(saved)) });
      await dynakv.storeResult(tasks[0], "first");
      await dynakv.storeResult(tasks[1], "second");
      assert.deepEqual(await celery.readGroup(group), ["first", "second"]);
    },
  },
  {
    row: "AsyncResult reads a result that dynakv has written",
    async run({ celery, dynakv }) {
      const id = randomUUID();
      assert.deepEqual(await celery.readResult(id), { status: "PENDING", result: null });
      await dynakv.storeResult(id, ["ключ", 1, { deep: null }]);
      assert.deepEqual(await celery.readResult(id), { status: "SUCCESS", result: ["ключ", 1, { deep: null }] });
    },
  },
  {
    row: "a result that the client has taken is pending for Celery, which stores another there",
    async run({ celery, dynakv, client }) {
      const id = randomUUID();
      await dynakv.storeResult(id, "first");
      assert.ok(await client.take(`b'celery-task-meta-${id}'`));
      assert.deepEqual(await celery.readResult(id), { status: "PENDING", result: null });
      await celery.storeResult(id, "second", "SUCCESS");
      assert.deepEqual(await celery.readResult(id), { status: "SUCCESS", result: "second" });
    },
  },
  {
    row: "a compressed result goes through dynakv unchanged, and @dynakv/client/celery reads it",
    async run({ celery, dynakv, client }) {
      const [id, copy, value] = [randomUUID(), randomUUID(), "long ".repeat(1000)];
      const bytes = await dynakv.readBytes(await celery.storeResult(id, value, "SUCCESS", "gzip"));
      assert.ok(bytes.length < value.length, "the result is not compressed");
      await dynakv.client.set({ key: `b'celery-task-meta-${copy}'`, value: bytes });
      assert.deepEqual(await celery.readResult(copy), { status: "SUCCESS", result: value });
      const read = await createCelery(client).task(copy, { consistency: "strong" });
      assert.equal(read !== undefined && isSuccess(read) && read.result, value);
    },
  },
  {
    row: "what Celery forgets dynakv does not find, and the other way round",
    async run({ celery, dynakv }) {
      const [theirs, ours] = [await celery.runTask("echo", 1), await celery.runTask("echo", 2)];
      await dynakv.readResults([theirs.key, ours.key]);
      await celery.forget(theirs.id);
      assert.equal(await dynakv.read(theirs.key), undefined);
      assert.equal((await dynakv.client.delete({ key: ours.key })).existed, true);
      assert.deepEqual(await celery.readResult(ours.id), { status: "PENDING", result: null });
    },
  },
  {
    row: "the etag of a result changes when Celery writes it anew",
    async run({ celery, dynakv }) {
      const id = randomUUID();
      const key = await celery.storeResult(id, null, "STARTED");
      const etag = (await dynakv.read(key))?.etag ?? "";
      await celery.storeResult(id, "done", "SUCCESS");
      const condition = { test: { case: "ifEtag", value: etag } } as const;
      await assert.rejects(
        dynakv.client.set({ key, value: Buffer.from("{}"), condition }),
        (error) => error instanceof ConnectError && error.code === Code.Aborted,
      );
      assert.deepEqual(await celery.readResult(id), { status: "SUCCESS", result: "done" });
    },
  },
  {
    row: "dynakv reads the expiry that Celery sets",
    needsTtlCalls: true,
    async run({ celeryWithExpiry, dynakv }) {
      assert.ok(celeryWithExpiry);
      const key = await celeryWithExpiry.storeResult(randomUUID(), "short-lived", "SUCCESS");
      const expiryMs = Number((await dynakv.read(key))?.expireTime?.seconds) * 1000;
      assert.ok(Math.abs(expiryMs - Date.now() - 3_600_000) < 300_000, `it expires at ${expiryMs}`);
    },
  },
  {
    row: "both increment one counter, and an increment of dynakv's that is repeated counts once",
    async run({ celery, dynakv }) {
      const [id, requestId] = [randomUUID(), createRequestId(Date.now())];
      const key = `b'chord-unlock-${id}'`;
      assert.equal((await dynakv.client.incr({ key, requestId })).value, 1n);
      const { etag } = (await dynakv.read(key)) ?? {};
      assert.equal(await celery.increment(id), 2);
      assert.notEqual((await dynakv.read(key))?.etag, etag);
      const { value, replayed } = await dynakv.client.incr({ key, requestId });
      assert.deepEqual({ value, replayed }, { value: 1n, replayed: true });
      assert.equal(await celery.increment(id), 3);
    },
  },
  {
    row: "a chord of Celery's alone: dynakv reads the callback's result",
    async run({ celery, dynakv }) {
      const numbers = [1, 20, 300];
      const { key, counter } = await celery.runChord(
        numbers.map((number) => ["echo", [number], defaultQueue]),
        "total",
      );
      assert.equal((await dynakv.readResult(key)).result, 321);
      await dynakv.waitUntilGone(counter);
    },
  },
  {
    // Nobody serves the queue of the second task: dynakv takes the worker's place. The third waits, so that the last
    // increment, which is the one that fires the callback, is Celery's and comes after dynakv's.
    row: "a chord whose counter dynakv increments for one of its tasks fires when the last has ended",
    async run({ celery, dynakv, folder }) {
      const file = join(folder, randomUUID());
      const { key, counter, ids, keys } = await celery.runChord(
        [
          ["echo", [1], defaultQueue],
          ["echo", [20], "nobody's"],
          ["echo_once_there_is", [file, 300], defaultQueue],
        ],
        "total",
      );
      const [first = "", second = ""] = ids;
      assert.match(counter, /^b'chord-unlock-[-0-9a-f]{36}'$/);
      assert.equal((await dynakv.readResult(keys[0] ?? "")).task_id, first);
      await dynakv.waitForCount(counter, 1n);
      await dynakv.storeResult(second, 4000);
      const requestId = createRequestId(Date.now());
      for (const replayed of [false, true]) {
        const answer = await dynakv.client.incr({ key: counter, requestId });
        assert.deepEqual([answer.value, answer.replayed], [2n, replayed]);
      }
      assert.equal(await dynakv.read(key), undefined, "the callback has run too early");
      writeFileSync(file, "");
      assert.equal((await dynakv.readResult(key)).result, 4301);
      await dynakv.waitUntilGone(counter);
    },
  },
];
