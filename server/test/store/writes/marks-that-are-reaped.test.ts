import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import { reapExpired, reapLeftovers } from "../../../src/store/table/reaper.js";
import { reaperContext } from "../../support/reaper-context.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("what a Delete with a request id leaves is reaped");
const windowMs = 600_000;
let nowMs = 1_800_000_000_400;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
});

test.after(() => server.stop());

const { signal } = new AbortController();
const value = Buffer.from("x");
const holds = (etag: string) => ({ test: { case: "ifEtag", value: etag } }) as const;
const expiry = { policy: { case: "after", value: { seconds: 1n } } } as const;
const isThere = async (key: string) => (await server.rawItem(key)) !== undefined;

/** Removes what the key holds, and returns what asks again what became of that. */
async function remove(key: string, etag: string): Promise<() => Promise<boolean>> {
  const request = { key, condition: holds(etag), requestId: createRequestId(nowMs) };
  assert.is((await server.client.delete(request)).existed, true);
  return async () => (await server.client.delete(request)).existed;
}

/** @param afterScan is awaited between each look at the table and what is removed for it */
const scopes = (afterScan = async () => {}) => {
  const context = reaperContext(server, windowMs, () => nowMs);
  const { tables } = context;
  const slow: typeof context = {
    ...context,
    tables: {
      ...tables,
      async scan(...given) {
        const page = await tables.scan(...given);
        await afterScan();
        return page;
      },
    },
  };
  return {
    "all that has expired": () => reapExpired(slow, signal),
    "the server's own": () => reapLeftovers(slow, signal, async () => {}),
  };
};

for (const scope of ["all that has expired", "the server's own"] as const) {
  test(`by a reaper of ${scope}, after the window and no earlier, though its clock is ahead by as much`, async () => {
    const { etag } = await server.client.set({ key: scope, value });
    const repeat = await remove(scope, etag);
    nowMs += 2 * windowMs - 1000;
    await scopes()[scope]();
    assert.is(await repeat(), true);
    nowMs += 2000;
    await scopes()[scope]();
    assert.is(await isThere(scope), false);
  });

  test(`by a reaper of ${scope} not where something expired lay when it looked`, async () => {
    const key = `overtaken ${scope}`;
    const make: Record<typeof scope, () => Promise<unknown>> = {
      "all that has expired": () => server.client.set({ key, value, expiry }),
      "the server's own": async () => remove(key, (await server.client.set({ key, value })).etag),
    };
    await make[scope]();
    nowMs += 2 * windowMs + 2000;
    let repeat: (() => Promise<boolean>) | undefined;
    await scopes(async () => {
      repeat ??= await remove(key, (await server.client.set({ key, value })).etag);
    })[scope]();
    assert.is(await repeat?.(), true);
  });

  test(`by a reaper of ${scope} after the window, however old the increments are that lie there`, async () => {
    const key = `old increments ${scope}`;
    const { etag } = await server.client.incr({ key, requestId: createRequestId(nowMs) });
    nowMs += 2 * windowMs - 1000;
    const repeat = await remove(key, etag);
    nowMs += 2 * windowMs - 1000;
    await scopes()[scope]();
    assert.is(await repeat(), true);
    nowMs += 3000;
    await scopes()[scope]();
    assert.is(await isThere(key), false);
  });
}

test("by a reaper of the server's own, and nothing of another program that looks alike", async () => {
  const ttl = { N: "1500000000" };
  const etag = { S: "abc" };
  const theirs = {
    "an etag alone": { etag, ttl },
    "a colon in the etag": { etag: { S: "W:abc" }, ttl, document: { S: "theirs" } },
    "an empty result": { etag, ttl, result: { B: new Uint8Array() } },
    "a result": { etag: { S: "W:abc" }, ttl, result: { B: value } },
  };
  for (const [key, item] of Object.entries(theirs)) {
    await server.putRaw({ id: { S: key }, ...item });
  }
  await scopes()["the server's own"]();
  for (const key of Object.keys(theirs)) {
    assert.is(await isThere(key), true, key);
  }
});

test.run();
