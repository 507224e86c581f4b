import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { type ConditionOptions, createClient, type DynakvClient, DynakvError } from "../src/index.js";

const test = suite("options of writes");
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

const value = Buffer.from("v");
const other = "AAAAAAAAAAAAAAAA";

/** The reason for which a write is refused; undefined when it is not. */
function reasonOf(write: Promise<unknown>): Promise<string | undefined> {
  return write.then(
    () => undefined,
    (error: unknown) => (error instanceof DynakvError ? error.reason : String(error)),
  );
}

/** Each write that takes conditions, on a key that holds an entry with an etag or nothing. */
const writes: Record<string, (key: string, condition: ConditionOptions) => Promise<unknown>> = {
  "a set": (key, condition) => client.set(key, value, condition),
  "a delete": (key, condition) => client.delete(key, condition),
};

for (const [name, write] of Object.entries(writes)) {
  test(`${name} is made only where its condition holds`, async () => {
    const key = `conditional ${name}`;
    assert.is(await reasonOf(write(key, { ifPresent: true })), "NOT_PRESENT");
    assert.is(await reasonOf(write(key, { ifEtag: other })), "ETAG_MISMATCH");
    assert.is(await client.get(key), undefined);
    assert.is(await reasonOf(write(key, { ifAbsent: true })), undefined);
    const { etag } = await client.set(key, value);
    assert.is(await reasonOf(write(key, { ifAbsent: true })), "ALREADY_EXISTS");
    assert.is(await reasonOf(write(key, { ifEtag: other })), "ETAG_MISMATCH");
    assert.is((await client.get(key, { consistency: "strong" }))?.etag, etag, "nothing has changed");
    assert.is(await reasonOf(write(key, { ifEtag: etag })), undefined);
    assert.is.not((await client.get(key, { consistency: "strong" }))?.etag, etag);
    await client.set(key, value);
    assert.is(await reasonOf(write(key, { ifPresent: true })), undefined);
  });
}

test("a touch with an etag is made only on the entry that has it", async () => {
  const key = "touched";
  const { etag } = await client.set(key, value, { expiry: { seconds: 60 } });
  const before = await client.get(key, { consistency: "strong" });
  assert.is(await reasonOf(client.touch(key, "never", { ifEtag: other })), "ETAG_MISMATCH");
  assert.equal(await client.get(key, { consistency: "strong" }), before);
  assert.is(await client.touch(key, "never", { ifEtag: etag }), true);
  assert.is((await client.get(key, { consistency: "strong" }))?.expireTime, undefined);
  assert.is(await reasonOf(client.touch(key, "never", { ifEtag: etag })), "ETAG_MISMATCH");
  assert.is(await reasonOf(client.touch("nothing", "never", { ifEtag: etag })), "ETAG_MISMATCH");
  assert.is(await client.touch("nothing", "never"), false);
});

test("each way to tell an expiry reaches the entry, by each write that takes one", async () => {
  const { url } = await server.replica({ ttlSeconds: 7200 });
  const withDefault = createClient({ address: url });
  const at = new Date((Math.floor(Date.now() / 1000) + 600) * 1000);
  const about = (seconds: number) => Math.round((Date.now() / 1000 + seconds) / 100);
  const expiries = [
    [{ seconds: 3600 }, about(3600)],
    [at, about(600)],
    ["never", undefined],
    ["server-default", about(7200)],
  ] as const;
  for (const [expiry, expected] of expiries) {
    for (const [name, write] of Object.entries({
      set: (key: string) => withDefault.set(key, value, { expiry }),
      incr: (key: string) => withDefault.incr(key, { expiry }),
      touch: async (key: string) => {
        await withDefault.set(key, value, { expiry: { seconds: 99_999 } });
        await withDefault.touch(key, expiry);
      },
    })) {
      const key = `${name} ${JSON.stringify(expiry)}`;
      await write(key);
      const { expireTime } = (await client.get(key, { consistency: "strong" })) ?? {};
      // To a hundred seconds or so: they pass while the test runs.
      const found = expireTime && Math.round(expireTime.getTime() / 100_000);
      assert.ok(
        expected === undefined ? found === undefined : Math.abs((found ?? 0) - expected) <= 1,
        `${key}: ${found}`,
      );
    }
  }
  withDefault.close();
});

test.run();
