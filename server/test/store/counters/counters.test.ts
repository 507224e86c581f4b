import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { failureOf } from "../../support/errors.js";
import { isFullRun } from "../../support/full-run.js";
import { spawnServer } from "../../support/spawn-server.js";
import { suite } from "../../support/suite.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("counters");
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

async function countAt(key: string): Promise<bigint | undefined> {
  const { entry } = await server.client.get({ key, consistency: 2 });
  return entry?.data.case === "counter" ? entry.data.value : undefined;
}

test("a missing counter is created at 0, or where the caller says", async () => {
  assert.is((await server.client.incr({ key: "new" })).value, 1n);
  assert.is((await server.client.incr({ key: "started", initial: 100n, delta: 5n })).value, 105n);
  assert.is((await server.client.incr({ key: "started", initial: 100n, delta: 5n })).value, 110n);
});

test("any signed delta adds, and 0 reads", async () => {
  const key = "signed";
  assert.is((await server.client.incr({ key, delta: -7n })).value, -7n);
  assert.is((await server.client.incr({ key, delta: 10n })).value, 3n);
  assert.is((await server.client.incr({ key, delta: 0n })).value, 3n);
});

const crowd = isFullRun ? 200 : 100;
const each = isFullRun ? 50 : 10;

test(`${crowd} clients that increment ${each} times each get ${crowd * each} different answers`, async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = server.engine;
  // In a process of its own, for the second core.
  const busy = await spawnServer(["--endpoint", endpoint, "--region", region, "--table", server.table], {
    DYNAKV_ACCESS_KEY_ID: accessKeyId,
    DYNAKV_SECRET_ACCESS_KEY: secretAccessKey,
  });
  const client = createClient(KeyValueService, createConnectTransport({ baseUrl: busy.url, httpVersion: "2" }));
  const key = "crowd";
  const seen = new Set<bigint>();
  await Promise.all(
    Array.from({ length: crowd }, async () => {
      for (let n = 0; n < each; n++) {
        seen.add((await client.incr({ key })).value);
      }
    }),
  );
  assert.is(seen.size, crowd * each);
  assert.is(await countAt(key), BigInt(crowd * each));
  busy.process.kill("SIGTERM");
  assert.is(await busy.exit, 0);
});

test("the whole of int64 can be counted, and not one more", async () => {
  const key = "edges";
  assert.is((await server.client.incr({ key, delta: int64Max })).value, int64Max);
  const up = await failureOf(server.client.incr({ key }));
  assert.equal([up.code, up.reason, up.outcome], ["OutOfRange", "OUT_OF_BOUNDS", "NOT_APPLIED"]);
  assert.is(await countAt(key), int64Max);

  const low = "low-edge";
  assert.is((await server.client.incr({ key: low, delta: int64Min })).value, int64Min);
  assert.is((await failureOf(server.client.incr({ key: low, delta: -1n }))).code, "OutOfRange");
  assert.is((await server.client.incr({ key: low, delta: int64Max })).value, -1n);
});

test("bounds hold at their edge, and nothing is applied past them", async () => {
  const key = "bounded";
  assert.is((await server.client.incr({ key, max: 2n })).value, 1n);
  assert.is((await server.client.incr({ key, max: 2n })).value, 2n);
  assert.is((await failureOf(server.client.incr({ key, max: 2n }))).reason, "OUT_OF_BOUNDS");
  const below = await failureOf(server.client.incr({ key, delta: -3n, min: 0n }));
  assert.is(below.reason, "OUT_OF_BOUNDS");
  assert.match(below.message, `bounds 0 to ${int64Max}`);
  assert.is(await countAt(key), 2n);
  assert.is((await server.client.incr({ key, delta: -2n, min: 0n })).value, 0n);
});

test("bounds hold for a counter that would be created", async () => {
  const failure = await failureOf(server.client.incr({ key: "never-born", delta: 5n, max: 4n }));
  assert.is(failure.reason, "OUT_OF_BOUNDS");
  assert.is(await server.rawItem("never-born"), undefined);
});

test("100 clients at a bound of 10 get 10 successes", async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () =>
      server.client.incr({ key: "rate", max: 10n }).then(
        () => "applied",
        () => "refused",
      ),
    ),
  );
  assert.is(outcomes.filter((outcome) => outcome === "applied").length, 10);
  assert.is(await countAt("rate"), 10n);
});

test("bounds that exclude each other are a bad request", async () => {
  const failure = await failureOf(server.client.incr({ key: "k", min: 2n, max: 1n }));
  assert.equal([failure.code, failure.field], ["InvalidArgument", "min"]);
});

test("a key that holds a value is not incremented", async () => {
  await server.client.set({ key: "text", value: new Uint8Array([1]) });
  const failure = await failureOf(server.client.incr({ key: "text" }));
  assert.equal([failure.code, failure.reason, failure.outcome], ["FailedPrecondition", "WRONG_KIND", "NOT_APPLIED"]);
  assert.is((await server.client.get({ key: "text" })).entry?.data.case, "value");
});

test("Set puts a value in place of a counter, and Delete removes one", async () => {
  const key = "replaced";
  await server.client.incr({ key });
  await server.client.set({ key, value: new Uint8Array([7]) });
  assert.is((await server.client.get({ key })).entry?.data.case, "value");
  assert.is((await server.rawItem(key))?.chord_count, undefined);
  await server.client.incr({ key: "gone" });
  assert.is((await server.client.delete({ key: "gone" })).existed, true);
  assert.is((await server.client.incr({ key: "gone" })).value, 1n);
});

test("a counter whose number is no int64 is reported, not rounded", async () => {
  await server.putRaw({ id: { S: "huge" }, chord_count: { N: "1e30" } });
  assert.is((await failureOf(server.client.get({ key: "huge" }))).reason, "UNREADABLE_ITEM");
  assert.is((await failureOf(server.client.incr({ key: "huge" }))).code, "FailedPrecondition");
});

test.run();
