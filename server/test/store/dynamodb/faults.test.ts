import * as assert from "uvu/assert";
import { createRequestId } from "../../../../common/request-ids.js";
import type { MGetResult } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import {
  type Fault,
  type FaultProxy,
  internalServerError,
  startFaultProxy,
  throttling,
} from "../../../src/faults/index.js";
import { failureOf } from "../../support/errors.js";
import { fillTable } from "../../support/fill-table.js";
import { isOwnProbe } from "../../support/own-probe.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("faults between server and DynamoDB");
let server: TestServer;
let proxy: FaultProxy;
/** A client of a replica that reaches the engine through the proxy. */
let client: KeyValueClient;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
  ({ client } = await server.replica({ endpoint: proxy.endpoint }));
});

test.before.each(() => {
  proxy.reset();
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

const value = Buffer.from("v");
const counts = (operation: string) => proxy.requests.get(operation) ?? 0;

const throttled = throttling("TableWriteProvisionedThroughputExceeded");
const internal = internalServerError();
const denied = {
  kind: "answer",
  status: 400,
  body: {
    __type: "com.amazon.coral.service#AccessDeniedException",
    Message: "User: arn:aws:iam::1:user/u is not authorized",
  },
} as const;
const noTable = {
  kind: "answer",
  status: 400,
  body: {
    __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
    message: "Requested resource not found",
  },
} as const;

for (const fault of ["lose-answer", internal] as const) {
  const name = typeof fault === "string" ? "is lost after it was applied" : "is an error of DynamoDB's own";

  test(`an increment whose answer ${name} is repeated, and counted once`, async () => {
    const key = `lost-${typeof fault}`;
    assert.is((await server.client.incr({ key })).value, 1n);
    proxy.failNext("UpdateItem", 2, fault);
    assert.is((await client.incr({ key })).value, 2n);
    assert.is((await server.client.incr({ key, delta: 0n })).value, 2n);
  });

  test(`an increment whose answers ${name} again and again is reported as unknown`, async () => {
    const key = `lost-for-good-${typeof fault}`;
    await server.client.incr({ key });
    proxy.requests.clear();
    proxy.decide = ({ operation }) => (operation === "UpdateItem" || operation === "GetItem" ? fault : "forward");
    const failure = await failureOf(client.incr({ key }));
    assert.equal(
      [failure.code, failure.reason, failure.outcome, failure.retryable],
      ["Unavailable", "BACKEND_UNAVAILABLE", "UNKNOWN", false],
    );
    assert.ok(counts("UpdateItem") <= 5);
    proxy.decide = () => "forward";
    assert.is((await server.client.incr({ key, delta: 0n })).value, fault === "lose-answer" ? 2n : 1n);
  });

  test(`an increment with an id whose answers ${name} again and again may be sent again`, async () => {
    const key = `lost-with-an-id-${typeof fault}`;
    await server.client.incr({ key });
    proxy.decide = ({ operation }) => (operation === "UpdateItem" || operation === "GetItem" ? fault : "forward");
    const request = { key, requestId: createRequestId() };
    const failure = await failureOf(client.incr(request));
    assert.equal(
      [failure.reason, failure.outcome, failure.retryable, failure.hasRetryInfo],
      ["BACKEND_UNAVAILABLE", "UNKNOWN", true, true],
    );
    proxy.decide = () => "forward";
    assert.is((await client.incr(request)).value, 2n);
  });

  test(`a counter is created once when the answer ${name}`, async () => {
    const key = `lost-creation-${typeof fault}`;
    proxy.failNext("PutItem", 2, fault);
    assert.is((await client.incr({ key, initial: 10n })).value, 11n);
    assert.is((await server.client.incr({ key, delta: 0n })).value, 11n);
  });
}

test("a Set whose answer is lost finds its own value, is sent once, and succeeds", async () => {
  for (const [n, condition] of [undefined, { test: { case: "ifAbsent", value: {} } } as const].entries()) {
    const key = `lost-set-${n}`;
    proxy.requests.clear();
    proxy.failNext("PutItem", 1, "lose-answer");
    const { etag } = await client.set({ key, value, ...(condition === undefined ? {} : { condition }) });
    assert.is((await server.rawItem(key))?.etag?.S, etag);
    assert.is(counts("PutItem"), 1);
  }
});

test("a Set on an etag whose answer is lost is found in the item that refuses its repetition, whoever writes after that", async () => {
  const key = "found-in-refusal";
  const { etag } = await client.set({ key, value });
  proxy.requests.clear();
  proxy.failNext("PutItem", 1, "lose-answer");
  let reads = 0;
  proxy.decide = async (request): Promise<Fault> => {
    if (request.operation === "GetItem" && request.bytes.includes(key) && ++reads > 1) {
      await server.client.set({ key, value: Buffer.from("other") });
    }
    return "forward";
  };
  const written = await client.set({ key, value, condition: { test: { case: "ifEtag", value: etag } } });
  assert.is.not(written.etag, etag);
  assert.is(counts("PutItem"), 2);
  assert.is((await server.rawItem(key))?.etag?.S, written.etag);
});

test("a Set that did not arrive, or was overwritten since, is unknown, and not sent again", async () => {
  proxy.failNext("PutItem", 1, "refuse");
  assert.is((await failureOf(client.set({ key: "lost-on-the-way", value }))).outcome, "UNKNOWN");
  assert.is(await server.rawItem("lost-on-the-way"), undefined);
  assert.is(counts("PutItem"), 1);
  proxy.requests.clear();

  const key = "overwritten";
  proxy.failNext("PutItem", 1, "lose-answer");
  proxy.decide = async (request): Promise<Fault> => {
    if (request.operation === "GetItem" && !isOwnProbe(request)) {
      // Another writer comes before this one has looked whether it was applied.
      await server.client.set({ key, value: Buffer.from("other") });
    }
    return "forward";
  };
  assert.is((await failureOf(client.set({ key, value }))).outcome, "UNKNOWN");
  assert.is(counts("PutItem"), 1);
  assert.equal((await server.rawItem(key))?.result?.B, Uint8Array.from(Buffer.from("other")));
});

test("a Set on an etag is repeated, and takes its own success for nobody else's", async () => {
  for (const fault of ["lose-answer", "refuse", internal] as const) {
    const key = `lost-etag-${JSON.stringify(fault)}`;
    const { etag: first } = await server.client.set({ key, value });
    proxy.failNext("PutItem", 2, fault);
    const condition = { test: { case: "ifEtag", value: first } } as const;
    const { etag } = await client.set({ key, value: Buffer.from("new"), condition });
    assert.is((await server.rawItem(key))?.etag?.S, etag);
  }
});

test("a Delete whose answer is lost is unknown; one on an etag that did not arrive is repeated", async () => {
  await server.client.set({ key: "lost-delete", value });
  proxy.failNext("DeleteItem", 1, "lose-answer");
  assert.is((await failureOf(client.delete({ key: "lost-delete" }))).outcome, "UNKNOWN");
  assert.is(await server.rawItem("lost-delete"), undefined);

  for (const fault of ["refuse", "lose-answer"] as const) {
    const { etag } = await server.client.set({ key: "lost-delete", value });
    const condition = { test: { case: "ifEtag", value: etag } } as const;
    proxy.failNext("DeleteItem", 1, fault);
    const deleted = client.delete({ key: "lost-delete", condition });
    if (fault === "refuse") {
      assert.is((await deleted).existed, true);
    } else {
      // Whether it was this one that removed it cannot be told.
      const failure = await failureOf(deleted);
      assert.equal([failure.reason, failure.outcome], ["ETAG_MISMATCH", "UNKNOWN"]);
    }
    assert.is(await server.rawItem("lost-delete"), undefined);
  }
});

test("a throttled write is tried again and applied once", async () => {
  proxy.failNext("UpdateItem", 2, throttled);
  assert.is((await client.incr({ key: "throttled" })).value, 1n);
  assert.is(counts("UpdateItem"), 3);
});

test("throttling that lasts is RESOURCE_EXHAUSTED, with DynamoDB's reason and a time to wait", async () => {
  proxy.decide = ({ operation }) => (operation === "PutItem" ? throttled : "forward");
  const failure = await failureOf(client.set({ key: "throttled-for-good", value }));
  assert.equal(
    [failure.code, failure.reason, failure.outcome, failure.retryable, failure.hasRetryInfo],
    ["ResourceExhausted", "THROTTLED", "NOT_APPLIED", true, true],
  );
  assert.equal(failure.throttlingReasons, ["TableWriteProvisionedThroughputExceeded"]);
  assert.is(await server.rawItem("throttled-for-good"), undefined);
});

test("a read is tried again after a lost answer, an error and a throttle", async () => {
  await server.client.set({ key: "read", value });
  for (const fault of ["lose-answer", "refuse", internal, throttled] as const) {
    proxy.failNext("GetItem", 2, fault);
    assert.is((await client.get({ key: "read" })).entry?.data.case, "value");
  }
});

test("an outage is UNAVAILABLE, and never a missing key", async () => {
  await server.client.set({ key: "there", value });
  proxy.decide = () => "refuse";
  const get = await failureOf(client.get({ key: "there" }));
  assert.equal([get.code, get.reason, get.retryable], ["Unavailable", "BACKEND_UNAVAILABLE", true]);
  const results: MGetResult[] = [];
  for await (const message of client.mGet({ keys: ["there", "not there"] })) {
    results.push(...message.results);
  }
  assert.equal(
    results.map(({ result }) => result.case === "error" && result.value.code),
    [14, 14],
  );
});

test("an answer without its table is an error, and never missing keys", async () => {
  for (const body of [{}, { Responses: {} }]) {
    proxy.decide = ({ operation }) =>
      operation === "BatchGetItem" ? { kind: "answer", status: 200, body } : "forward";
    for await (const message of client.mGet({ keys: ["there"] })) {
      assert.is(message.results[0]?.result.case, "error");
    }
  }
});

test("an answer that is empty, broken or cut is neither a missing key nor a success", async () => {
  await server.client.set({ key: "whole", value });
  for (const fault of ["empty-body", "broken-json", "cut-answer"] as const) {
    proxy.failNext("GetItem", 2, fault);
    assert.is((await client.get({ key: "whole" })).entry?.data.case, "value", fault);
    proxy.decide = ({ operation }) => (operation === "GetItem" ? fault : "forward");
    assert.is((await failureOf(client.get({ key: "whole" }))).code, "Unavailable", fault);
    proxy.decide = () => "forward";
    proxy.failNext("DeleteItem", 1, fault);
    assert.is((await failureOf(client.delete({ key: "nothing" }))).outcome, "UNKNOWN", fault);
  }
});

const pages: Record<string, Fault> = {
  "a maintenance page": {
    kind: "answer",
    status: 200,
    body: { status: "maintenance" },
    contentType: "application/json",
  },
  "the same, as DynamoDB's": { kind: "answer", status: 200, body: { status: "maintenance" } },
  "a page of HTML": { kind: "answer", status: 200, body: "<html>Log in</html>", contentType: "text/html" },
  "a 204": { kind: "answer", status: 204, body: "" },
  "an empty body": { kind: "answer", status: 200, body: "" },
  "an empty object of somebody's": { kind: "answer", status: 200, body: {}, contentType: "application/json" },
  "a redirection": { kind: "answer", status: 302, body: "" },
};

for (const dataPlane of ["lean", "sdk", "own"] as const) {
  // Each form on each plane is in odd-answers.test.ts.
  for (const [name, page] of Object.entries(pages).slice(0, dataPlane === "lean" ? undefined : 1)) {
    test(`${name} in DynamoDB's place is no missing key and no success: ${dataPlane}`, async () => {
      const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
      const { region, accessKeyId, secretAccessKey } = server.engine;
      const own = new DynamoDBClient({
        endpoint: proxy.endpoint,
        region,
        credentials: { accessKeyId, secretAccessKey },
      });
      const at = dataPlane === "own" ? { client: own } : { endpoint: proxy.endpoint, dataPlane };
      const replica = await server.replica(at);
      const key = `page ${name} ${dataPlane}`;
      await server.client.set({ key, value });
      proxy.decide = () => page;
      const failures = await Promise.all([
        failureOf(replica.client.get({ key })),
        failureOf(replica.client.set({ key: `${key} new`, value })),
        failureOf(replica.client.delete({ key })),
        failureOf(replica.client.incr({ key: `${key} counter` })),
        failureOf(replica.client.touch({ key, expiry: { policy: { case: "never", value: {} } } })),
      ]);
      assert.equal(
        failures.map(({ code, outcome }) => `${code} ${outcome}`),
        ["Unavailable UNSPECIFIED", ...Array(4).fill("Unavailable UNKNOWN")],
      );
      for await (const { results } of replica.client.mGet({ keys: [key, "nothing"] })) {
        assert.ok(results.every(({ result }) => result.case === "error"));
      }
      proxy.decide = () => "forward";
      assert.is((await server.client.get({ key })).entry?.data.case, "value");
      assert.is((await server.client.get({ key: `${key} new`, consistency: 2 })).entry, undefined);
      assert.is((await replica.client.incr({ key: `${key} counter` })).value, 1n);
      await replica.server.stop();
      own.destroy();
    });
  }
}

test("lost rights and a lost table are UNAVAILABLE, without what DynamoDB said", async () => {
  for (const [fault, reason] of [
    [denied, "BACKEND_DENIED"],
    [noTable, "TABLE_UNAVAILABLE"],
  ] as const) {
    proxy.decide = ({ operation }) => (operation === "PutItem" ? fault : "forward");
    const failure = await failureOf(client.set({ key: "k", value }));
    assert.equal([failure.code, failure.reason, failure.outcome], ["Unavailable", reason, "NOT_APPLIED"]);
    assert.not.match(failure.message, "arn:");
  }
});

test("a deadline that passes while DynamoDB is silent is DEADLINE_EXCEEDED, and a write is then unknown", async () => {
  proxy.decide = ({ operation }) => (operation === "PutItem" || operation === "GetItem" ? "hang" : "forward");
  // A busy machine may not have asked DynamoDB in a second.
  for (let seconds = 1; counts("PutItem") === 0 && seconds <= 25; seconds *= 5) {
    const impatient = await server.replica({ endpoint: proxy.endpoint, defaultDeadlineSeconds: seconds });
    const write = await failureOf(impatient.client.set({ key: "silent", value }));
    const outcome = counts("PutItem") === 0 ? "NOT_APPLIED" : "UNKNOWN";
    assert.equal([write.code, write.reason, write.outcome], ["DeadlineExceeded", "DEADLINE_EXCEEDED", outcome]);
    assert.is((await failureOf(impatient.client.get({ key: "silent" }))).code, "DeadlineExceeded");
    await impatient.server.stop();
  }
  assert.is(counts("PutItem"), 1);
});

test("keys that DynamoDB leaves unprocessed are asked for again, whether some or all", async () => {
  const keys = Array.from({ length: 250 }, (_, n) => `part-${n}`);
  await fillTable(server, keys);
  // Every third batch is left alone whole, of the others one key in ten is answered.
  proxy.decide = ({ operation, n }) =>
    operation === "BatchGetItem" ? { kind: "unprocessed", share: n % 3 === 1 ? 1 : 0.9 } : "forward";
  const results: MGetResult[] = [];
  for await (const message of client.mGet({ keys, order: 2 })) {
    results.push(...message.results);
  }
  assert.equal(
    results.map(({ index, result }) => [index, result.case]),
    keys.map((_, index) => [index, "entry"]),
  );
});

test("a batch that stays unprocessed fails its own keys as throttled, and the others are answered", async () => {
  await server.client.set({ key: "part-0", value });
  const keys = ["part-0", ...Array.from({ length: 150 }, (_, n) => `cold-${n}`)];
  // Of the two batches, which are asked for at once, the one of the first 100 keys.
  proxy.decide = ({ operation, bytes }) =>
    operation === "BatchGetItem" && bytes.includes('"part-0"') ? { kind: "unprocessed" } : "forward";
  const cases = new Map<string | undefined, number>();
  for await (const message of client.mGet({ keys })) {
    for (const { result } of message.results) {
      cases.set(result.case, (cases.get(result.case) ?? 0) + 1);
      assert.ok(result.case !== "error" || result.value.code === 8);
    }
  }
  assert.equal(cases.get("error"), 100);
  assert.equal(cases.get("missing"), 51);
});

test("a condition is explained by a strong read where the engine gives no old item", async () => {
  const { etag } = await server.client.set({ key: "explained", value });
  const condition = { test: { case: "ifAbsent", value: {} } } as const;
  // A replica of its own, for one that was given an old item once takes its engine for one that always gives it.
  const { client: asking, server: own } = await server.replica({ endpoint: proxy.endpoint });
  const withoutItem: Fault = {
    kind: "rewrite",
    answer: (body) => Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), Item: undefined })),
  };
  proxy.decide = ({ operation }) => (operation === "GetItem" ? "refuse" : withoutItem);
  const blind = await failureOf(asking.set({ key: "explained", value, condition }));
  assert.equal([blind.reason, blind.outcome], ["BACKEND_UNAVAILABLE", "NOT_APPLIED"], "that read can fail");
  proxy.decide = ({ operation }) => (operation === "GetItem" ? "forward" : withoutItem);
  assert.is((await failureOf(asking.set({ key: "explained", value, condition }))).currentEtag, etag);
  await own.stop();
});

test("a conditional write that fails before it is sent is not applied, and says so", async () => {
  await server.putRaw({ id: { S: "foreign" }, result: { B: value }, timestamp: { N: "1763881600.5" } });
  const etag = (await server.client.get({ key: "foreign", consistency: 2 })).entry?.etag ?? "";
  // The etag of an item that dynakv did not write needs a read first.
  proxy.decide = ({ operation }) => (operation === "GetItem" ? "refuse" : "forward");
  const condition = { test: { case: "ifEtag", value: etag } } as const;
  const failure = await failureOf(client.set({ key: "foreign", value: Buffer.from("new"), condition }));
  assert.equal([failure.code, failure.outcome], ["Unavailable", "NOT_APPLIED"]);
  proxy.decide = () => "forward";
  await client.set({ key: "foreign", value: Buffer.from("new"), condition });
});

test("a connection that is lost by a routing error leaves the outcome unknown, and the increment counts once", async () => {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { endpoint, region, accessKeyId, secretAccessKey } = server.engine;
  const own = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  let left = 0;
  own.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { Key } = args.input as { Key?: { id?: { S?: string } } };
      if (Key?.id?.S === "routed" && left-- > 0) {
        // As Linux reports an ICMP error on a connection that was made.
        throw Object.assign(new Error("read EHOSTUNREACH"), { code: "EHOSTUNREACH", syscall: "read" });
      }
      return answer;
    },
    { step: "deserialize" },
  );
  const owned = await server.replica({ client: own });
  left = 1;
  assert.is((await failureOf(owned.client.delete({ key: "routed" }))).outcome, "UNKNOWN");
  left = 2;
  assert.is((await owned.client.incr({ key: "routed" })).value, 1n);
  await owned.server.stop();
  own.destroy();
});

for (const dataPlane of ["lean", "sdk"] as const) {
  test(`a clock that jumps while many calls are in flight fails none of them: ${dataPlane}`, async () => {
    const jumped = await server.replica({ endpoint: proxy.endpoint, dataPlane });
    const failures: string[] = [];
    let byMs = 0;
    proxy.decide = () => ({ kind: "clock-jump", byMs });
    for (byMs of [3_600_000, -3_600_000]) {
      const calls = Array.from({ length: 90 }, (_, n) =>
        n % 3 === 0
          ? jumped.client.get({ key: `jump-${n}` })
          : n % 3 === 1
            ? jumped.client.set({ key: `jump-${n}`, value })
            : jumped.client.incr({ key: `jump-counter-${dataPlane}` }),
      );
      for (const call of await Promise.allSettled(calls)) {
        if (call.status === "rejected") {
          failures.push(String(call.reason));
        }
      }
    }
    assert.equal(failures, []);
    proxy.decide = () => "forward";
    assert.is((await server.client.incr({ key: `jump-counter-${dataPlane}`, delta: 0n })).value, 60n);
    await jumped.server.stop();
  });
}

test("a caller's own SDK client is used without its retries", async () => {
  const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
  const { region, accessKeyId, secretAccessKey } = server.engine;
  const own = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 4,
  });
  const owned = await server.replica({ client: own });
  assert.is((await owned.client.incr({ key: "own-client" })).value, 1n);
  proxy.requests.clear();
  proxy.failNext("DeleteItem", 1, "lose-answer");
  assert.is((await failureOf(owned.client.delete({ key: "other" }))).outcome, "UNKNOWN");
  assert.is(counts("DeleteItem"), 1);
  await owned.server.stop();
  own.destroy();
});

test.run();
