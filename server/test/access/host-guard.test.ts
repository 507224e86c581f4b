import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import * as assert from "uvu/assert";
import { GetRequestSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { createToken } from "../../src/access/tokens.js";
import { exchange } from "../support/grpc-exchange.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";

const test = suite("pages that call a server on loopback");
const service = "/dynakv.v1.KeyValueService";
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
  await server.client.set({ key: "k", value: Buffer.from("a value") });
});

test.after(() => server.stop());

interface HttpCall {
  readonly url?: string;
  readonly host: string;
  readonly origin?: string;
  readonly target?: string;
  readonly body?: string;
  readonly method?: string;
  readonly type?: string;
  readonly authorization?: string;
}

/** Over HTTP/1.1, with the head as a browser's page can bring it about, and no other way. */
function callHttp1({
  url = server.url,
  host,
  origin,
  target = `${service}/Get`,
  body = '{"key":"k"}',
  ...rest
}: HttpCall) {
  const { method = "POST", type = "application/json", authorization } = rest;
  return new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
    const fields = [
      `${method} ${target} HTTP/1.1`,
      `host: ${host}`,
      ...(origin === undefined ? [] : [`origin: ${origin}`]),
      ...(authorization === undefined ? [] : [`authorization: ${authorization}`]),
      "connection: close",
      ...(method === "GET" ? [] : [`content-type: ${type}`, `content-length: ${body.length}`]),
    ];
    socket.write(`${fields.join("\r\n")}\r\n\r\n${method === "GET" ? "" : body}`);
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const query = `${service}/Get?connect=v1&encoding=json&message=${encodeURIComponent('{"key":"k"}')}`;

test("a name that was rebound to loopback reads, writes and scans nothing", async () => {
  for (const host of [
    "evil.example",
    "evil.example:50051",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "0.0.0.0",
  ]) {
    for (const call of [
      {},
      { origin: `http://${host}` },
      { method: "GET", target: query },
      { target: `${service}/Scan`, body: "{}" },
      { target: `${service}/MGet`, body: '{"keys":["k"]}' },
      { target: `${service}/Set`, body: '{"key":"planted","value":"aGVsbG8="}' },
      { target: `${service}/Incr`, body: '{"key":"planted"}' },
      { target: `${service}/Delete`, body: '{"key":"k"}' },
      { target: "/dynakv.v1.InfoService/GetInfo", body: "{}" },
      { type: "application/grpc-web+proto", body: "\0\0\0\0\x03\n\x01k" },
    ]) {
      const answer = await callHttp1({ host, ...call });
      assert.match(answer, /permission_denied|grpc-status: 7/, `${host} ${JSON.stringify(call)}`);
      assert.not.match(answer, "YSB2YWx1ZQ==");
    }
  }
  assert.is(await server.rawItem("planted"), undefined);
  assert.ok(await server.rawItem("k"));
});

test("the same holds over HTTP/2, whatever the protocol", async () => {
  const session = connectHttp2(server.url);
  const body = [encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "k" })))];
  const headers = { ":authority": "evil.example" };
  const { head, trailers } = await exchange(session, {
    path: `${service}/Get`,
    contentType: "application/grpc",
    headers,
    body,
  });
  assert.is(head["grpc-status"] ?? trailers["grpc-status"], "7");
  session.close();
});

test("names of loopback are served, with any port and in any letters", async () => {
  const { port } = new URL(server.url);
  for (const host of [
    "localhost",
    `localhost:${port}`,
    "127.0.0.1",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:50051",
    "LocalHost",
    "localhost.",
    "app.localhost:3000",
    "127.1.2.3",
  ]) {
    assert.is(statusOf(await callHttp1({ host })), 200, host);
  }
});

test("pages of other origins are refused outright, and those on loopback served", async () => {
  for (const origin of [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "https://127.0.0.1.evil.example",
  ]) {
    const answer = await callHttp1({
      host: "localhost",
      origin,
      target: `${service}/Set`,
      body: '{"key":"planted","value":""}',
    });
    assert.equal([statusOf(answer), /permission_denied/.test(answer)], [403, true], origin);
    assert.is(statusOf(await callHttp1({ host: "localhost", origin, method: "GET", target: query })), 403, origin);
  }
  assert.is(await server.rawItem("planted"), undefined);
  for (const origin of ["http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000"]) {
    assert.is(statusOf(await callHttp1({ host: "localhost", origin })), 200, origin);
  }
});

test("the settings take other names and origins", async () => {
  const { url } = await server.replica({ allowedHosts: "Dynakv.local, 10.1.2.3", corsOrigins: "https://app.example" });
  for (const host of ["dynakv.local", "dynakv.local:50051", "10.1.2.3:50051"]) {
    assert.is(statusOf(await callHttp1({ url, host })), 200, host);
  }
  assert.is(statusOf(await callHttp1({ url, host: "other.local" })), 403);
  assert.is(statusOf(await callHttp1({ url, host: "localhost", origin: "https://app.example" })), 200);
  assert.is(statusOf(await callHttp1({ url, host: "localhost", origin: "https://app2.example" })), 403);
});

test("a server that knows its callers serves them by any name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dynakv-host-guard-"));
  const tokensFile = join(folder, "tokens.json");
  const { token, entry } = createToken("caller", undefined);
  await writeFile(tokensFile, JSON.stringify({ tokens: [entry] }));
  const { url } = await server.replica({ tokensFile });
  await rm(folder, { recursive: true });
  assert.is(statusOf(await callHttp1({ url, host: "kv.internal" })), 401);
  assert.is(statusOf(await callHttp1({ url, host: "kv.internal", authorization: `Bearer ${token}` })), 200);
});

test.run();
