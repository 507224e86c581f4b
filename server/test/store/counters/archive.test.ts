import { ScanCommand } from "@aws-sdk/client-dynamodb";
import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import type { Item } from "../../../src/store/dynamodb/item.js";
import { archivePrefix } from "../../../src/store/layout/request-archive.js";
import { reapLeftovers } from "../../../src/store/table/reaper.js";
import { failureOf } from "../../support/errors.js";
import { reaperContext } from "../../support/reaper-context.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("the archive of increments");
const windowMs = 600_000;
let nowMs = 1_800_000_000_000;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs, requestSlots: 4 });
});

test.after(() => server.stop());

const strong = 2;
const anyValue = new Uint8Array([1]);
const numbers = (length: number) => Array.from({ length }, (_, n) => n);

async function rawItems(): Promise<Item[]> {
  const { Items = [] } = await server.engine.client.send(
    new ScanCommand({ TableName: server.table, ConsistentRead: true }),
  );
  return Items;
}

async function archiveKeys(): Promise<string[]> {
  return (await rawItems()).map((item) => item.id?.S ?? "").filter((key) => key.startsWith(archivePrefix));
}

async function fillArchive(key: string): Promise<void> {
  for (const _ of numbers(12)) {
    await server.client.incr({ key, requestId: createRequestId(nowMs) });
    nowMs += 50;
  }
}

test("nobody sees it, and nobody can name it", async () => {
  await fillArchive("seen");
  const keys = await archiveKeys();
  assert.ok(keys.length > 0, "there is none");
  const [key = ""] = keys;
  const before = await server.rawItem(key);
  const expiry = { policy: { case: "never", value: {} } } as const;
  for (const name of [key, archivePrefix, `${archivePrefix}x`]) {
    const calls = {
      get: server.client.get({ key: name, consistency: strong }),
      set: server.client.set({ key: name, value: anyValue }),
      delete: server.client.delete({ key: name }),
      incr: server.client.incr({ key: name }),
      touch: server.client.touch({ key: name, expiry }),
    };
    for (const [method, call] of Object.entries(calls)) {
      const failure = await failureOf(call);
      assert.equal([failure.code, failure.reason, failure.field], ["InvalidArgument", "INVALID_KEY", "key"], method);
    }
    for await (const { results } of server.client.mGet({ keys: [name, "seen"], consistency: strong })) {
      for (const { index, result } of results) {
        assert.is(result.case, index === 0 ? "error" : "entry");
      }
    }
  }
  assert.equal(await server.rawItem(key), before);
  for (const prefix of ["", "_", archivePrefix.slice(0, -1), "see"]) {
    const seen: string[] = [];
    for await (const { results } of server.client.scan({ prefix, consistency: strong })) {
      seen.push(
        ...results.map((each) => (each.result.case === "entry" ? each.key : `${each.result.case} at ${each.key}`)),
      );
    }
    assert.equal(seen, prefix.startsWith("_") ? [] : ["seen"], `prefix '${prefix}'`);
  }
});

test("keys that begin almost like those of its items are keys like any other", async () => {
  for (const key of [archivePrefix.slice(0, -1), archivePrefix.toUpperCase(), ` ${archivePrefix}`]) {
    await server.client.set({ key, value: anyValue });
    assert.ok((await server.client.get({ key, consistency: strong })).entry);
    assert.is((await server.client.delete({ key })).existed, true);
  }
});

test("counters with long keys have it as well, each its own", async () => {
  const keys = ["x".repeat(2048), `${"x".repeat(2047)}y`];
  const ids = numbers(12).map((n) => createRequestId(nowMs + n));
  for (const [at, key] of keys.entries()) {
    for (const requestId of ids) {
      await server.client.incr({ key, requestId, delta: BigInt(at + 1) });
    }
  }
  for (const [at, key] of keys.entries()) {
    for (const [n, requestId] of ids.entries()) {
      assert.is((await server.client.incr({ key, requestId })).value, BigInt((at + 1) * (n + 1)));
    }
  }
});

test("what is left of counters goes in time, page by page, also where nothing else is reaped", async () => {
  for (const n of numbers(30)) {
    const key = `chord-${n}`;
    await server.client.incr({ key, requestId: createRequestId(nowMs) });
    await server.client.delete({ key });
  }
  await server.client.set({
    key: "expired",
    value: anyValue,
    expiry: { policy: { case: "after", value: { seconds: 1n } } },
  });
  await fillArchive("left");
  const { etag } = await server.client.set({ key: "taken", value: anyValue });
  await server.client.delete({
    key: "taken",
    condition: { test: { case: "ifEtag", value: etag } },
    requestId: createRequestId(nowMs),
  });
  const context = reaperContext(server, windowMs, () => nowMs);
  const reap = () => reapLeftovers(context, new AbortController().signal, async () => {});
  const before = (await rawItems()).length;
  await reap();
  assert.is((await rawItems()).length, before, "nothing while it may be asked for");
  nowMs += 2 * windowMs + 40 * 60_000;
  await reap();
  const left = (await rawItems()).map((item) => item.id?.S ?? "");
  assert.not.ok(left.includes("taken"));
  assert.equal(
    left.filter((key) => key.startsWith("chord-") || key.startsWith(archivePrefix)),
    [],
  );
  assert.ok(left.includes("expired") && left.includes("left") && left.includes("seen"));
});

test.run();
