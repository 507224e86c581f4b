import { Code, ConnectError, createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { createClient as createDynakvClient } from "../../../client/src/index.js";
import { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { type ObservedServer, seriesValue, startObservedServer } from "../support/observed-server.js";
import { suite } from "../support/suite.js";
import { createTransports } from "../support/test-server.js";

const test = suite("consumed capacity");
let observed: ObservedServer;

test.before(async () => {
  observed = await startObservedServer();
});

test.after(() => observed.stop());

const headers = { "x-dynakv-return-consumed-capacity": "total" };

interface Told {
  readonly read: string | null;
  readonly write: string | null;
  readonly requests: string | null;
}

function toTold(trailers: Headers): Told {
  return {
    read: trailers.get("x-dynakv-consumed-read-units"),
    write: trailers.get("x-dynakv-consumed-write-units"),
    requests: trailers.get("x-dynakv-dynamodb-requests"),
  };
}

test("on every protocol, who asks is told what the call has consumed, and nobody else is", async () => {
  for (const [protocol, transport] of Object.entries(createTransports(observed.url))) {
    const client = createClient(KeyValueService, transport);
    const told: Told[] = [];
    const options = { headers, onTrailer: (trailers: Headers) => told.push(toTold(trailers)) };
    await client.set({ key: "k", value: new Uint8Array(2500) }, options);
    await client.get({ key: "k" }, options);
    await client.get({ key: "k", consistency: Consistency.STRONG }, options);
    for await (const _ of client.mGet({ keys: ["k", "missing"] }, options)) {
      // The trailers come after all of it.
    }
    await client.get({ key: "k" }, { ...options, headers: {} });
    assert.equal(
      told,
      [
        { read: "0", write: "3", requests: "1" },
        { read: "0.5", write: "0", requests: "1" },
        { read: "1", write: "0", requests: "1" },
        { read: "1", write: "0", requests: "1" },
        { read: null, write: null, requests: null },
      ],
      protocol,
    );
  }
});

test("on every protocol, a call that fails tells it too", async () => {
  await observed.client.set({ key: "value" });
  for (const [protocol, transport] of Object.entries(createTransports(observed.url))) {
    const client = createClient(KeyValueService, transport);
    try {
      await client.incr({ key: "value" }, { headers });
      assert.unreachable();
    } catch (error) {
      const { code, metadata } = ConnectError.from(error);
      const { requests } = toTold(metadata);
      assert.is(code, Code.FailedPrecondition, protocol);
      // The write that was refused; an engine that does not return the item with that is asked for it.
      assert.ok(Number(requests) >= 1, `${protocol}: ${requests}`);
    }
  }
});

test("calls that share requests are told their shares, which are all that was consumed", async () => {
  const { client, table } = observed;
  const units = async () => {
    const page = await observed.page();
    const of = (operation: string) =>
      seriesValue(page, `dynakv_dynamodb_consumed_capacity_units_total{operation="${operation}",table="${table}"}`);
    return { read: of("GetItem") + of("BatchGetItem"), write: of("PutItem") + of("UpdateItem") };
  };
  const before = await units();
  const told: Told[] = [];
  const options = { headers, onTrailer: (trailers: Headers) => told.push(toTold(trailers)) };
  await Promise.all(Array.from({ length: 30 }, (_, index) => client.get({ key: `k${index % 10}` }, options)));
  await Promise.all(Array.from({ length: 30 }, () => client.incr({ key: "shared" }, options)));
  const after = await units();
  const sum = (part: "read" | "write") => told.reduce((all, each) => all + Number(each[part]), 0);
  assert.is(told.length, 60);
  // Shares have six decimals, and the probe of each second reads as well, half a unit at a time.
  assert.ok(
    Math.abs(after.write - before.write - sum("write")) < 0.001,
    `${after.write - before.write} ${sum("write")}`,
  );
  const others = after.read - before.read - sum("read");
  assert.ok(Math.abs(others - Math.round(others * 2) / 2) < 0.001 && others < 3, `${others}`);
  assert.ok(told.some(({ read }) => Number(read) > 0 && Number(read) < 0.5));
  assert.ok(told.some(({ write }) => Number(write) > 0 && Number(write) < 1));
});

test("a Scan is told its read units", async () => {
  const told: Told[] = [];
  const options = { headers, onTrailer: (trailers: Headers) => told.push(toTold(trailers)) };
  for await (const _ of observed.client.scan({}, options)) {
    // The trailers come after all of it.
  }
  assert.is(told.length, 1);
  assert.ok(Number(told[0]?.read) > 0, `${told[0]?.read}`);
  assert.equal([told[0]?.write, told[0]?.requests], ["0", "1"]);
});

test("the client of the package can ask for it", async () => {
  const client = createDynakvClient({ address: observed.url });
  let told: Told | undefined;
  await client.get("k", {
    headers,
    onTrailer: (trailers) => {
      told = toTold(trailers);
    },
  });
  client.close();
  assert.equal(told, { read: "0.5", write: "0", requests: "1" });
});

test.run();
