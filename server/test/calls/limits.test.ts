import { createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { startFaultProxy } from "../../src/faults/index.js";
import { bytesAt } from "../support/entries.js";
import { failureOf } from "../support/errors.js";
import { holdRequest } from "../support/hold-request.js";
import { suite } from "../support/suite.js";
import { createTransports, startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("limits");
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

/** The largest value at a key without expiry, as the refusal of a larger one tells it. */
async function largestValue(key: string): Promise<number> {
  const { message } = await failureOf(server.client.set({ key, value: new Uint8Array(409_600) }));
  return Number(/leaves (\d+) for the value/.exec(message)?.[1]);
}

test("the largest value that an item can hold is stored, and one byte more is refused", async () => {
  for (const key of ["k", "a key that is longer", "ключ"]) {
    const largest = await largestValue(key);
    await server.client.set({ key, value: new Uint8Array(largest) });
    assert.is(bytesAt(await server.client.get({ key })).length, largest);

    const failure = await failureOf(server.client.set({ key, value: new Uint8Array(largest + 1) }));
    assert.equal(
      [failure.code, failure.reason, failure.field, failure.outcome],
      ["InvalidArgument", "VALUE_TOO_LARGE", "value", "NOT_APPLIED"],
    );
    assert.match(failure.message, "409600");
    assert.match(failure.message, `${largest + 1} bytes`);
    assert.is(bytesAt(await server.client.get({ key })).length, largest, "what was there before is there still");
  }
});

test("a key of 2,048 bytes is used, one of 2,049 or none is refused by every method", async () => {
  const value = new Uint8Array([1]);
  for (const key of ["x".repeat(2048), "é".repeat(1024), `${"€".repeat(682)}xx`, "🔑".repeat(512)]) {
    await server.client.set({ key, value });
    assert.ok((await server.client.get({ key })).entry);
  }
  const expiry = { policy: { case: "never", value: {} } } as const;
  for (const [key, size] of [
    ["x".repeat(2049), "2049 bytes"],
    [`${"é".repeat(1024)}x`, "2049 bytes"],
    // The fewest characters that are too many bytes.
    ["€".repeat(683), "2049 bytes"],
    ["€".repeat(700), "2100 bytes"],
    ["🔑".repeat(513), "2052 bytes"],
    ["", "0 bytes"],
  ] as const) {
    for (const call of [
      server.client.get({ key }),
      server.client.set({ key, value }),
      server.client.delete({ key }),
      server.client.incr({ key }),
      server.client.touch({ key, expiry }),
    ]) {
      const failure = await failureOf(call);
      assert.equal([failure.code, failure.reason, failure.field], ["InvalidArgument", "INVALID_KEY", "key"]);
      assert.match(failure.message, size);
      assert.match(failure.message, "2048");
    }
  }
});

test("a key that is no UTF-8 is refused, and not stored under another name", async () => {
  const url = `${server.url}/dynakv.v1.KeyValueService/Set`;
  const json = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"key":"half \\ud800","value":""}',
  });
  assert.is(json.status, 400);
  // Field 1, three bytes, the last of them not UTF-8.
  const binary = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/proto" },
    body: new Uint8Array([0x0a, 3, 0x61, 0x62, 0xff]),
  });
  assert.is(((await binary.json()) as { code: string }).code, "invalid_argument");
  assert.is(await server.rawItem("half \ufffd"), undefined);
  assert.is(await server.rawItem("ab\ufffd"), undefined);
});

test("a request over the limit is refused before it is read whole", async () => {
  const small = await server.replica({ maxRequestBytes: 524_288 });
  const keys = Array.from({ length: 100_000 }, (_, n) => `key-${n}`);
  const failure = await failureOf(small.client.mGet({ keys }));
  assert.equal([failure.code, failure.field], ["InvalidArgument", "keys"]);
  assert.match(failure.message, "524288");
});

test("a deadline over the limit is shortened to it, over every protocol", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const strict = await server.replica({ endpoint: proxy.endpoint, maxDeadlineSeconds: 1 });
  // No answer comes: only the deadline ends the call, and the caller's own is an hour away.
  proxy.decide = ({ operation }) => (operation === "GetItem" ? "hang" : "forward");
  await Promise.all(
    Object.entries(createTransports(strict.url)).map(async ([name, transport]) => {
      const client = createClient(KeyValueService, transport);
      const failure = await failureOf(client.get({ key: "k" }, { timeoutMs: 3_600_000 }));
      assert.equal([failure.code, failure.reason], ["DeadlineExceeded", "DEADLINE_EXCEEDED"], name);
    }),
  );
  await proxy.stop();
});

test("a call that sets a longer deadline than the server's default has its own", async () => {
  const proxy = await startFaultProxy({ target: server.engine.endpoint });
  const { client } = await server.replica({ endpoint: proxy.endpoint, defaultDeadlineSeconds: 1 });
  await server.client.set({ key: "longer", value: new Uint8Array([1]) });
  const reads = holdRequest(proxy, ["GetItem"]);
  const longer = client.get({ key: "longer" }, { timeoutMs: 120_000 }).then(
    ({ entry }) => entry?.data.case,
    (error: unknown) => `${error}`,
  );
  await reads.held();
  // It began before this one, whose deadline is the default.
  const shorter = await failureOf(client.get({ key: "other" }));
  reads.release();
  const answer = await longer;
  await proxy.stop();
  assert.equal([shorter.reason, answer], ["DEADLINE_EXCEEDED", "value"]);
});

test.run();
