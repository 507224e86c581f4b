import { createClient } from "@connectrpc/connect";
import { createGrpcJsTransport } from "@dynakv/client/grpc-js";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { bytesAt } from "../support/entries.js";
import { failureOf } from "../support/errors.js";
import { suite } from "../support/suite.js";
import { createTransports, type KeyValueClient, startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("protocols");
let server: TestServer;
let clients: Record<string, KeyValueClient>;
let closeGrpcJs: () => void;

test.before(async () => {
  server = await startTestServer();
  const grpcJs = createGrpcJsTransport({ address: server.url.replace("http://", "") });
  closeGrpcJs = () => grpcJs.close();
  const transports = { ...createTransports(server.url), "grpc-js": grpcJs };
  clients = Object.fromEntries(
    Object.entries(transports).map(([name, transport]) => [name, createClient(KeyValueService, transport)]),
  );
});

test.after(async () => {
  closeGrpcJs();
  await server.stop();
});

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
const values = {
  "all 256 byte values": everyByte,
  "the empty value": new Uint8Array(),
  "400,000 bytes": Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) % 256),
};

for (const [valueName, value] of Object.entries(values)) {
  test(`${valueName} come out as they went in, through every protocol and across them`, async () => {
    for (const [protocol, client] of Object.entries(clients)) {
      const key = `${protocol}/${valueName}`;
      await client.set({ key, value });
      for (const [reader, other] of Object.entries(clients)) {
        const read = bytesAt(await other.get({ key }));
        assert.ok(Buffer.from(value).equals(read), `${protocol} to ${reader}`);
      }
    }
  });
}

test("all five methods work through every protocol", async () => {
  for (const [protocol, client] of Object.entries(clients)) {
    const key = `five/${protocol}`;
    const counter = `count/${protocol}`;
    const { etag } = await client.set({ key, value: everyByte });
    assert.is((await client.get({ key })).entry?.etag, etag, protocol);
    assert.is((await client.incr({ key: counter, delta: 9007199254740993n })).value, 9007199254740993n, protocol);
    assert.is((await client.incr({ key: counter })).value, 9007199254740994n, protocol);

    const results = [];
    for await (const message of client.mGet({ keys: [key, "missing", counter, key, ""] })) {
      results.push(...message.results);
    }
    results.sort((a, b) => a.index - b.index);
    assert.equal(
      results.map(({ index, result }) => [index, result.case]),
      [
        [0, "entry"],
        [1, "missing"],
        [2, "entry"],
        [3, "entry"],
        [4, "error"],
      ],
      protocol,
    );
    assert.is((await client.delete({ key })).existed, true, protocol);
    assert.is((await client.delete({ key })).existed, false, protocol);
    assert.is((await client.get({ key })).entry, undefined, protocol);
  }
});

test("a typed error reaches every protocol whole", async () => {
  await clients.gRPC?.set({ key: "taken", value: everyByte });
  for (const [protocol, client] of Object.entries(clients)) {
    const failure = await failureOf(
      client.set({ key: "taken", value: everyByte, condition: { test: { case: "ifAbsent", value: {} } } }),
    );
    assert.is(failure.code, "FailedPrecondition", protocol);
    assert.is(failure.reason, "ALREADY_EXISTS", protocol);
    assert.is(failure.outcome, "NOT_APPLIED", protocol);
  }
});

test("a key in any script works through every protocol", async () => {
  for (const [protocol, client] of Object.entries(clients)) {
    const key = `${protocol} ключ 键 🔑 \u0000 \n "quoted"`;
    await client.set({ key, value: everyByte });
    assert.is((await client.get({ key })).entry?.data.case, "value", protocol);
  }
});

async function post(path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`${server.url}/dynakv.v1.KeyValueService/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

test("plain JSON over HTTP/1.1 does what a client does", async () => {
  assert.is((await post("Set", { key: "json", value: "aGVsbG8=" })).status, 200);
  const { json } = await post("Get", { key: "json" });
  assert.is((json.entry as Record<string, unknown>).value, "aGVsbG8=");
  assert.equal((await post("Incr", { key: "json-count", delta: "9007199254740993" })).json.value, "9007199254740993");
  assert.equal((await post("Delete", { key: "json" })).json, { existed: true });
});

async function postLines(request: unknown): Promise<{ status: number; lines: Record<string, unknown>[] }> {
  const response = await fetch(`${server.url}/dynakv.v1.KeyValueService/MGet`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return { status: response.status, lines: lines.map((line) => JSON.parse(line)) };
}

test("MGet answers plain JSON with a line for each message", async () => {
  await clients.gRPC?.set({ key: "line", value: everyByte });
  const keys = Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? "line" : `no line ${n}`));
  const { status, lines } = await postLines({ keys, order: "RESULT_ORDER_REQUEST" });
  assert.is(status, 200);
  assert.ok(lines.length > 1);
  const results = lines.flatMap((line) => line.results as { index?: number; entry?: object; missing?: object }[]);
  assert.equal(
    results.map(({ index = 0, entry }) => [index, entry !== undefined]),
    keys.map((_, n) => [n, n % 2 === 0]),
  );
  assert.equal(await postLines({ keys: [] }), { status: 200, lines: [] });
});

test("a bad MGet in plain JSON has the status and the error of the other methods", async () => {
  for (const request of [{ keys: ["a"], consistency: 9 }, { kez: ["a"] }, { keys: "a" }]) {
    const { status, lines } = await postLines(request);
    assert.equal([status, lines[0]?.code], [400, "invalid_argument"]);
  }
});

test("the reads answer plain GET requests", async () => {
  await clients.gRPC?.set({ key: "by-get", value: everyByte });
  const message = encodeURIComponent(JSON.stringify({ key: "by-get" }));
  const url = `${server.url}/dynakv.v1.KeyValueService/Get?connect=v1&encoding=json&message=${message}`;
  const response = await fetch(url);
  assert.is(response.status, 200);
  const { entry } = (await response.json()) as { entry: { value: string } };
  assert.equal(Buffer.from(entry.value, "base64"), Buffer.from(everyByte));
});

test("a misspelt field of a JSON request is refused, and nothing is stored", async () => {
  const { status, json } = await post("Set", { key: "misspelt", value: "", conditon: { ifAbsent: {} } });
  assert.is(status, 400);
  assert.is(json.code, "invalid_argument");
  assert.is(await server.rawItem("misspelt"), undefined);
});

test("a page on this machine may call, a page from elsewhere may not", async () => {
  const preflight = async (origin: string) =>
    fetch(`${server.url}/dynakv.v1.KeyValueService/Get`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
  assert.is(
    (await preflight("http://localhost:5173")).headers.get("access-control-allow-origin"),
    "http://localhost:5173",
  );
  assert.is((await preflight("https://evil.example")).headers.get("access-control-allow-origin"), null);
});

test.run();
