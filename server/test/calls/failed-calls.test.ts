import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { createServer, type ServerOptions } from "../../src/index.js";
import { isEmbeddedEngine } from "../support/engine.js";
import { failureOf } from "../support/errors.js";
import { isOwnProbe } from "../support/own-probe.js";
import { startRelay } from "../support/relay.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("failed calls");
let server: TestServer;
let proxy: FaultProxy;

test.before(async () => {
  server = await startTestServer();
  proxy = await startFaultProxy({ target: server.engine.endpoint });
});

test.before.each(() => {
  proxy.reset();
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
});

/** A server behind the proxy that collects what it logs. */
async function startLogging(options: Pick<ServerOptions, "clock" | "drainSeconds" | "accessLog" | "endpoint"> = {}) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const { region, accessKeyId } = server.engine;
  // The embedded engine does not verify signatures: any secret will do, and this one is easy to find.
  const secretAccessKey = isEmbeddedEngine ? "planted-secret" : server.engine.secretAccessKey;
  const logging = createServer({
    listen: "127.0.0.1:0",
    endpoint: proxy.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    table: server.table,
    logger,
    ...options,
  });
  const { url } = await logging.start();
  return { server: logging, lines, url, client: createClient(KeyValueService, createGrpcTransport({ baseUrl: url })) };
}

test("the error and its line in the log have one id, which may be the caller's", async () => {
  const { server: logging, lines, client } = await startLogging();
  const ids = [];
  for (const headers of [{}, { "x-request-id": "from-the-caller" }, { "x-request-id": 'no id: "' }]) {
    ids.push((await failureOf(client.get({ key: "" }, { headers }))).id);
  }
  await logging.stop();
  assert.equal(
    ids,
    lines.filter(({ msg }) => msg === "call failed").map(({ id }) => id),
  );
  assert.is(ids[1], "from-the-caller");
  assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.match(ids[2] ?? "", /^[0-9a-f-]{36}$/);
});

test("each has one line in the log, without the key, the value or a secret", async () => {
  const { server: logging, lines, client } = await startLogging();
  proxy.decide = ({ operation }) =>
    operation === "PutItem"
      ? {
          kind: "answer",
          status: 400,
          body: {
            __type: "com.amazon.coral.service#InvalidSignatureException",
            message: "The Canonical String should have been 'planted-secret'",
          },
        }
      : "forward";
  await client.get({ key: "fine" });
  await failureOf(client.get({ key: `planted-key${"x".repeat(2048)}` }));
  await failureOf(client.set({ key: "planted-key", value: Buffer.from("planted-value") }));
  await logging.stop();

  const failed = lines.filter(({ msg }) => msg === "call failed");
  assert.equal(
    failed.map(({ method, code, reason, outcome }) => [method, code, reason, outcome]),
    [
      ["dynakv.v1.KeyValueService/Get", "InvalidArgument", "INVALID_KEY", undefined],
      ["dynakv.v1.KeyValueService/Set", "Unavailable", "BACKEND_DENIED", "NOT_APPLIED"],
    ],
  );
  const text = JSON.stringify(lines);
  assert.not.match(text, "planted");
  assert.not.match(text, Buffer.from("planted-value").toString("base64"));
});

for (const [name, thrown] of Object.entries({
  TypeError: new TypeError("planted-internals"),
  string: "planted-internals",
  object: null,
})) {
  test(`a defect is INTERNAL, without what is inside, and the log has the place: ${name}`, async () => {
    let broken = false;
    const clock = () => {
      if (broken) {
        throw thrown;
      }
      return Date.now();
    };
    const { server: logging, lines, client } = await startLogging({ clock });
    broken = true;
    const failure = await failureOf(client.get({ key: "k" }));
    broken = false;
    await logging.stop();
    assert.equal([failure.code, failure.reason, failure.message], ["Internal", "INTERNAL", "internal error"]);
    const [line] = lines.filter(({ msg }) => msg === "call failed: internal error");
    const defect = line?.defect as { name: string; stack?: string[] } | undefined;
    assert.is(defect?.name, name);
    assert.is(/failed-calls\.test/.test(`${defect?.stack}`), thrown instanceof Error);
    assert.not.match(JSON.stringify(lines), "planted-internals");
  });
}

test("a defect leaves it unknown what a write has done, whatever the method, and says nothing of that for a read", async () => {
  let broken = false;
  const clock = () => {
    if (broken) {
      throw new TypeError("planted-internals");
    }
    return Date.now();
  };
  const { server: logging, client, url } = await startLogging({ clock });
  const expiry = { policy: { case: "after", value: { seconds: 60n } } } as const;
  const condition = { test: { case: "ifPresent", value: {} } } as const;
  const key = "defect";
  broken = true;
  for (const each of [
    client,
    createClient(KeyValueService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" })),
  ]) {
    // Before a request is made of them, and while it is.
    const writes = [
      each.set({ key, expiry }),
      each.set({ key }),
      each.incr({ key, expiry }),
      each.incr({ key }),
      each.touch({ key, expiry }),
      each.delete({ key, condition }),
      each.delete({ key }),
    ];
    for (const failure of await Promise.all(writes.map((call) => failureOf(call)))) {
      assert.equal([failure.code, failure.outcome, failure.retryable], ["Internal", "UNKNOWN", false]);
    }
    const read = await failureOf(each.get({ key }));
    assert.equal([read.code, read.outcome, read.retryable], ["Internal", "UNSPECIFIED", false]);
  }
  broken = false;
  await logging.stop();
});

for (const [name, createTransport] of Object.entries({
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  "gRPC-web over HTTP/1.1": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect over HTTP/2": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect over HTTP/1.1": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
})) {
  test(`${name}: a client that leaves in the middle of a stream is no defect`, async () => {
    const { server: logging, lines, url, client } = await startLogging({ accessLog: "all" });
    const transport = createTransport(url);
    await client.set({ key: "large", value: new Uint8Array(300_000) });
    const keys = Array.from({ length: 1000 }, () => "large");
    await leaveAtOnce((signal) => createClient(Health, transport).watch({}, { signal }));
    const leaving = Array.from({ length: 8 }, () =>
      leaveAtOnce((signal) => createClient(KeyValueService, transport).mGet({ keys }, { signal })),
    );
    await Promise.all(leaving);
    const failed = () => lines.filter(({ msg }) => String(msg).startsWith("call failed"));
    await waitUntil("all are logged", () => failed().length > leaving.length);
    await logging.stop();
    assert.equal(
      failed()
        .map(({ msg, method, code }) => [msg, method, code])
        .sort(),
      [
        ...leaving.map(() => ["call failed", "dynakv.v1.KeyValueService/MGet", "Canceled"]),
        ["call failed", "grpc.health.v1.Health/Watch", "Canceled"],
      ],
    );
  });
}

/** Leaves a stream once its first message has come. */
async function leaveAtOnce(call: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<void> {
  const left = new AbortController();
  await failureOf(
    (async () => {
      for await (const _ of call(left.signal)) {
        left.abort();
      }
    })(),
  );
}

test("a call that outlasts the drain is UNAVAILABLE, and a write is then unknown", async () => {
  const { server: logging, client } = await startLogging({ drainSeconds: 0 });
  await client.get({ key: "warm" });
  const asked = new Promise<void>((resolve) => {
    proxy.decide = ({ operation }) => {
      if (operation === "UpdateItem") {
        resolve();
        return "hang";
      }
      return "forward";
    };
  });
  const call = failureOf(client.incr({ key: "cut-off" }));
  await asked;
  await logging.stop();
  const failure = await call;
  assert.equal([failure.code, failure.reason, failure.outcome], ["Unavailable", "SHUTTING_DOWN", "UNKNOWN"]);
});

test("a caller that leaves is CANCELED, and its request to DynamoDB is aborted", async () => {
  const { server: logging, lines, client } = await startLogging();
  const leave = new AbortController();
  proxy.decide = (request) => {
    if (request.operation === "GetItem" && !isOwnProbe(request)) {
      leave.abort();
      return "hang";
    }
    return "forward";
  };
  assert.is((await failureOf(client.get({ key: "k" }, { signal: leave.signal }))).code, "Canceled");
  // Stopping waits for running calls: it could not end within the drain if this one were still waiting for its answer.
  await logging.stop();
  assert.equal(
    lines.filter(({ msg }) => msg === "call failed").map(({ code }) => code),
    ["Canceled"],
  );
});

test("a caller's deadline ends DynamoDB's request, though the caller waits on", async () => {
  const relay = await startRelay(proxy.endpoint);
  const { server: logging, url } = await startLogging({ endpoint: relay.endpoint });
  proxy.decide = (request) => (isOwnProbe(request) || !request.bytes.includes("late-") ? "forward" : "hang");
  // No client of a library makes these: its own timer would leave first.
  const late = async (method: string, message: object, headers: Record<string, string>) => {
    const response = await fetch(`${url}/dynakv.v1.KeyValueService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(message),
    });
    return response.text();
  };
  // The server gives up an answer that does not come for seconds, and asks again: this one, asked for first, shows when it does.
  const patient = late("Get", { key: "late-patient" }, {});
  await waitUntil("it is asked for", () => relay.carriersOf("late-patient") === 1);
  const methods = ["Get", "MGet", "Set", "Incr", "Delete", "Touch"];
  const messageOf = (method: string, key: string) => ({
    ...(method === "MGet" ? { keys: [key] } : { key }),
    ...(method === "Set" ? { value: "" } : {}),
    ...(method === "Touch" ? { expiry: { never: {} } } : {}),
  });
  /** Whether the requests of all were under way when their time was up. */
  const tryWithin = async (timeoutMs: number) => {
    const keys = methods.map((method) => `late-${method}-${timeoutMs}`);
    const timeout = { "connect-timeout-ms": `${timeoutMs}` };
    const answers = await Promise.all(
      methods.map((method, n) => late(method, messageOf(method, keys[n] ?? ""), timeout)),
    );
    const wereSent = keys.map((key) => relay.carriersOf(key) > 0);
    for (const [n, answer] of answers.entries()) {
      assert.match(answer, "deadline_exceeded");
      assert.is(/"outcome":"OUTCOME_UNKNOWN"/.test(answer), n > 1 && wereSent[n] === true, answer);
    }
    for (const key of keys.filter((_, n) => wereSent[n])) {
      await waitUntil(`the request for ${key} has ended`, () => relay.wasGivenUp(key));
    }
    return wereSent.every((wasSent) => wasSent);
  };
  // A busy machine may not have sent them in so little time.
  assert.ok((await tryWithin(200)) || (await tryWithin(1000)) || (await tryWithin(5000)));
  assert.is(relay.carriersOf("late-patient"), 1, "the others ended by their deadlines, not by the server's patience");
  assert.not(relay.wasGivenUp("late-patient"));
  await relay.stop();
  await patient;
  await logging.stop();
});

test.run();
