import { createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { Consistency, type Entry, EntryKind } from "../../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { suite } from "../../support/suite.js";
import { createTransports, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("entries without their data");
let nowMs = 1_800_000_000_400;
let server: TestServer;

test.before(async () => {
  server = await startTestServer({ clock: () => nowMs });
  const { client } = server;
  await client.set({ key: "p:value", value: Buffer.alloc(300_000), expiry });
  await client.set({ key: "p:empty", value: Buffer.alloc(0) });
  await client.incr({ key: "p:counter", delta: 0n });
  await server.putRaw({ id: { S: "p:celery" }, result: { B: Buffer.from("abc") }, timestamp: { N: "1763881600.25" } });
  await server.putRaw({ id: { S: "p:foreign" }, other: { S: "x" } });
  await client.set({ key: "p:expired", value: Buffer.from("v"), expiry: shortly });
  nowMs += 100;
});

test.after(() => server.stop());

const expiry = { policy: { case: "after", value: { seconds: 60n, nanos: 250_000_000 } } } as const;
const shortly = { policy: { case: "after", value: { seconds: 0n, nanos: 100_000_000 } } } as const;
const strong = { consistency: Consistency.STRONG };

/** Of each key what is told of its kind and size; undefined where there is no entry. */
const kinds: Record<string, [EntryKind, number] | undefined> = {
  "p:value": [EntryKind.VALUE, 300_000],
  "p:empty": [EntryKind.VALUE, 0],
  "p:counter": [EntryKind.COUNTER, 0],
  "p:celery": [EntryKind.VALUE, 3],
  "p:expired": undefined,
  "p:missing": undefined,
};

/** The entry with its data is the same but for that. */
async function assertDescribes(key: string, entry: Entry | undefined): Promise<void> {
  const { entry: whole } = await server.client.get({ key, ...strong });
  assert.equal(entry && [entry.kind, entry.valueBytes], kinds[key], key);
  assert.is(entry?.data.case, undefined);
  const metadata = (of: Entry | undefined) => of && [of.etag, of.writeTime, of.expireTime];
  assert.equal(metadata(entry), metadata(whole));
  assert.is(whole?.kind ?? EntryKind.UNSPECIFIED, EntryKind.UNSPECIFIED);
}

test("Get tells kind, size, etag and times", async () => {
  for (const key of Object.keys(kinds)) {
    await assertDescribes(key, (await server.client.get({ key, metadataOnly: true, ...strong })).entry);
  }
});

test("MGet and Scan do the same, in every protocol", async () => {
  for (const transport of Object.values(createTransports(server.url))) {
    const client = createClient(KeyValueService, transport);
    const told = new Map<string, Entry | undefined>();
    for await (const { results } of client.mGet({ keys: Object.keys(kinds), metadataOnly: true, ...strong })) {
      for (const { key, result } of results) {
        assert.ok(result.case === "entry" || result.case === "missing");
        told.set(key, result.case === "entry" ? result.value : undefined);
      }
    }
    assert.is(told.size, Object.keys(kinds).length);
    for (const [key, entry] of told) {
      await assertDescribes(key, entry);
    }
    let scanned = 0;
    for await (const { results } of client.scan({ prefix: "p:", keysOnly: true, ...strong })) {
      for (const { key, result } of results) {
        scanned++;
        if (key === "p:foreign") {
          assert.is(result.case, "error");
        } else {
          await assertDescribes(key, result.case === "entry" ? result.value : undefined);
        }
      }
    }
    assert.is(scanned, 5);
  }
});

test.run();
