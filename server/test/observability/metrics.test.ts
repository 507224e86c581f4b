import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { createClient } from "../../../client/src/index.js";
import { metricDefinitions } from "../../src/observability/metrics/definitions.js";
import { failureOf } from "../support/errors.js";
import { metricsInUse, seriesOf } from "../support/metric-queries.js";
import { type ObservedServer, seriesValue, startObservedServer } from "../support/observed-server.js";
import { spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("metrics");
let observed: ObservedServer;

test.before(async () => {
  observed = await startObservedServer();
});

test.before.each(() => {
  observed.proxy.reset();
});

test.after(() => observed.stop());

/** By how much a series grows while something is done. */
async function growth(series: string[], act: () => Promise<unknown>): Promise<number[]> {
  const before = await observed.page();
  await act();
  const after = await observed.page();
  return series.map((each) => seriesValue(after, each) - seriesValue(before, each));
}

const method = (name: string) => `method="dynakv.v1.KeyValueService/${name}"`;

test("calls are counted by method and code, with their time and bytes, and failures by reason", async () => {
  const { client } = observed;
  const grown = await growth(
    [
      `dynakv_calls_total{${method("Get")},code="OK"}`,
      `dynakv_calls_total{${method("Get")},code="InvalidArgument"}`,
      `dynakv_call_failures_total{reason="INVALID_KEY"}`,
      `dynakv_call_duration_seconds_count{${method("Get")}}`,
      `dynakv_call_duration_seconds_bucket{${method("Get")},le="+Inf"}`,
      `dynakv_call_request_bytes_total{${method("Set")}}`,
    ],
    async () => {
      await client.get({ key: "a" });
      await client.get({ key: "b" });
      await failureOf(client.get({ key: "" }));
      await client.set({ key: "a", value: new Uint8Array(1000) });
    },
  );
  // Five bytes before the message, three for the key, three before the value.
  assert.equal(grown, [2, 1, 1, 3, 3, 1011]);
  const page = await observed.page();
  assert.is(seriesValue(page, `dynakv_calls_in_flight{${method("Get")}}`), 0);
  assert.ok(seriesValue(page, `dynakv_call_duration_seconds_sum{${method("Get")}}`) > 0);
  assert.is(seriesValue(page, "dynakv_ready"), 1);
  assert.is(seriesValue(page, "dynakv_connections"), 1);
});

test("a call that waits for DynamoDB counts as in flight until it has ended", async () => {
  let asked = false;
  observed.proxy.decide = ({ operation }) => {
    asked ||= operation === "PutItem";
    return operation === "PutItem" ? "hang" : "forward";
  };
  const leave = new AbortController();
  const call = failureOf(observed.client.set({ key: "held" }, { signal: leave.signal }));
  await waitUntil("DynamoDB is asked", () => asked);
  assert.is(seriesValue(await observed.page(), `dynakv_calls_in_flight{${method("Set")}}`), 1);
  // For a while there may be one more: the server looks whether its table is there once a second.
  const requestsAre = (count: number) =>
    waitUntil(`${count} requests are in flight`, async () => {
      return seriesValue(await observed.page(), "dynakv_dynamodb_requests_in_flight") === count;
    });
  await requestsAre(1);
  leave.abort();
  await call;
  await waitUntil("it has ended", () => observed.lines.some(({ code }) => code === "Canceled"));
  const page = await observed.page();
  assert.is(seriesValue(page, `dynakv_calls_in_flight{${method("Set")}}`), 0);
  await requestsAre(0);
  assert.is(seriesValue(page, 'dynakv_dynamodb_requests_total{operation="PutItem",outcome="aborted"}'), 1);
});

test("whatever is none of the service's methods is one", async () => {
  for (const path of ["planted-a", "dynakv.v1.KeyValueService/planted-b", "planted-c?d"]) {
    await (await fetch(`${observed.url}/${path}`, { method: "POST" })).text();
  }
  const page = await observed.page();
  assert.is(seriesValue(page, 'dynakv_calls_in_flight{method="unknown"}'), 0);
  assert.is(seriesValue(page, 'dynakv_call_duration_seconds_count{method="unknown"}'), 3);
  assert.not.match(page, "planted");
});

test("requests to DynamoDB are counted with what they consume, and what is done together with how much it is", async () => {
  const { client, table } = observed;
  const grown = await growth(
    [
      'dynakv_dynamodb_requests_total{operation="PutItem",outcome="ok"}',
      `dynakv_dynamodb_consumed_capacity_units_total{operation="PutItem",table="${table}"}`,
      "dynakv_mget_keys_sum",
      "dynakv_mget_keys_count",
      "dynakv_coalesced_gets_sum",
      "dynakv_combined_increments_sum",
    ],
    async () => {
      await client.set({ key: "small", value: new Uint8Array(10) });
      // The write of what has more than a kilobyte takes a unit for each that it has begun.
      await client.set({ key: "large", value: new Uint8Array(2500) });
      for await (const _ of client.mGet({ keys: ["small", "large", "small"] })) {
        // Only that it ends matters.
      }
      await Promise.all(Array.from({ length: 10 }, () => client.get({ key: "small" })));
      await Promise.all(Array.from({ length: 10 }, () => client.incr({ key: "counter" })));
    },
  );
  // The counter was created by a PutItem as well.
  assert.equal(grown, [3, 5, 3, 1, 10, 10]);
});

test("throttling and retries are counted, by DynamoDB's reasons as far as they are known", async () => {
  const { client, proxy } = observed;
  const reasons = ["TableWriteKeyRangeThroughputExceeded", "plantedReason"];
  proxy.decide = ({ operation }) => {
    const reason = operation === "PutItem" ? reasons.shift() : undefined;
    return reason === undefined
      ? "forward"
      : {
          kind: "answer",
          status: 400,
          body: {
            __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException",
            message: "planted-message",
            ThrottlingReasons: [{ reason }],
          },
        };
  };
  const grown = await growth(
    [
      'dynakv_dynamodb_throttles_total{reason="TableWriteKeyRangeThroughputExceeded"}',
      'dynakv_dynamodb_throttles_total{reason="other"}',
      'dynakv_dynamodb_requests_total{operation="PutItem",outcome="throttled"}',
      'dynakv_dynamodb_retries_total{operation="PutItem"}',
    ],
    () => client.set({ key: "throttled" }),
  );
  assert.equal(grown, [1, 1, 2, 2]);
  assert.not.match(await observed.page(), "planted");
});

test("the dashboard and the alerts ask for nothing that is not there", async () => {
  const page = await observed.page();
  const series = seriesOf(page);
  assert.equal(
    [...metricsInUse()].filter((name) => !series.has(name)),
    [],
  );
  assert.ok(metricsInUse().size > 20);
  for (const { name, type } of Object.values(metricDefinitions)) {
    assert.match(page, `# TYPE ${name} ${type}\n`);
  }
});

test("the admin port has three pages, for whoever gets them", async () => {
  const answers: [string, string, number][] = [
    ["GET", "/metrics", 200],
    ["HEAD", "/metrics", 200],
    ["GET", "/metrics?x=y", 200],
    ["GET", "/healthz", 200],
    ["GET", "/readyz", 200],
    ["GET", "/", 404],
    ["GET", "/metrics/", 404],
    ["GET", "/..%2f", 404],
    ["POST", "/metrics", 405],
    ["DELETE", "/readyz", 405],
  ];
  for (const [verb, path, status] of answers) {
    const answer = await fetch(`${observed.adminUrl}${path}`, { method: verb });
    assert.is(answer.status, status, `${verb} ${path}`);
    await answer.text();
  }
  const page = await fetch(`${observed.adminUrl}/metrics`);
  assert.is(page.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await page.text(), "process_resident_memory_bytes");
});

test("a server without DynamoDB lives, and is not ready", async () => {
  const { proxy, adminUrl } = observed;
  proxy.decide = () => "refuse";
  await waitUntil("it is not ready", async () => {
    const answer = await fetch(`${adminUrl}/readyz`);
    await answer.text();
    return answer.status === 503;
  });
  assert.is((await fetch(`${adminUrl}/healthz`)).status, 200);
  assert.is(seriesValue(await observed.page(), "dynakv_ready"), 0);
  const before = observed.lines.length;
  proxy.reset();
  const since = () => observed.lines.slice(before);
  await waitUntil("it is ready again", () => since().some(({ msg }) => msg === "DynamoDB is reachable"));
  assert.is((await fetch(`${adminUrl}/readyz`)).status, 200);
});

test("nonsense does not end the admin port", async () => {
  const { port } = new URL(observed.adminUrl);
  const pieces = [
    Buffer.from([0, 255, 1, 2, 3]),
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    `GET /metrics HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(100_000)}\r\n\r\n`,
    `GET /${"y".repeat(100_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
    `POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n${"z".repeat(1_000_000)}`,
    "GET //[ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nhost: a\r\nexpect: nonsense\r\nconnection: close\r\n\r\n",
    "POST /metrics HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnot a length\r\n",
  ];
  for (const piece of pieces) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(piece);
    // It is the server that ends it: what is wrong, what has a body, and what asks for it.
    // A reset is a way to end it, too.
    await new Promise((resolve) => socket.once("close", resolve));
  }
  const silent = Array.from({ length: 10 }, () => connect(Number(port), "127.0.0.1").on("error", () => {}));
  assert.is((await fetch(`${observed.adminUrl}/healthz`)).status, 200);
  for (const socket of silent) {
    socket.destroy();
  }
});

test("the primary shows its workers' metrics as one, also what one that is gone has counted", async () => {
  const flags = ["--workers", "2", "--data", "memory", "--log-level", "info", "--admin-listen", "127.0.0.1:0"];
  const spawned = await spawnServer(flags);
  const clients = Array.from({ length: 4 }, () => createClient({ address: spawned.url }));
  try {
    const saidOf = (pattern: RegExp) => pattern.exec(spawned.stderr())?.[1] ?? "";
    // What comes on stderr may come later than what was written to stdout after it.
    await waitUntil("it has said where its metrics are", () => saidOf(/"adminUrl":"([^"]+)"/) !== "");
    const adminUrl = saidOf(/"adminUrl":"([^"]+)"/);
    const get = async (path: string) => (await fetch(adminUrl + path)).text();
    const counted = async () => seriesValue(await get("/metrics"), `dynakv_calls_total{${method("Get")},code="OK"}`);
    await Promise.all(clients.map((client) => client.get("k")));
    // A worker that does not answer within a second is shown with what it has said last.
    await waitUntil("all calls are counted", async () => (await counted()) === 4);
    assert.is(seriesValue(await get("/metrics"), "dynakv_workers"), 2);
    await waitUntil("one of them says that it is ready", async () => (await get("/readyz")) === "ready\n");
    const pid = Number(saidOf(/"pid":(\d+),"msg":"worker ready"/));
    await waitUntil("the lag of the one that stands still is shown", async () => {
      for (let stops = 0; stops < 4; stops++) {
        process.kill(pid, "SIGSTOP");
        await sleep(300);
        process.kill(pid, "SIGCONT");
        await sleep(50);
      }
      // Whoever asks for readiness takes nothing from who asks for the lag; and that of one is not made better by the other's.
      assert.is(await get("/readyz"), "ready\n");
      const page = await get("/metrics");
      return ["max", "p99"].every((name) => seriesValue(page, `nodejs_eventloop_lag_${name}_seconds`) > 0.2);
    });
    const pids = [...spawned.stderr().matchAll(/"pid":(\d+),"msg":"worker ready"/g)].map((match) => Number(match[1]));
    for (const each of pids) {
      process.kill(each, "SIGSTOP");
    }
    assert.is(await get("/readyz"), "ready\n", "all of them are busy for a second");
    for (const each of pids) {
      process.kill(each, "SIGCONT");
    }
    process.kill(pid, "SIGKILL");
    await waitUntil("it is missed", () => spawned.stderr().includes("ended with SIGKILL"));
    await waitUntil("what it has counted is kept", async () => (await counted()) === 4);
    spawned.process.kill("SIGTERM");
    assert.is(await spawned.exit, 0);
  } finally {
    for (const client of clients) {
      client.close();
    }
    spawned.process.kill("SIGKILL");
  }
});

test.run();
