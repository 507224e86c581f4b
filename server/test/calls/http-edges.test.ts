import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { pino } from "pino";
import * as assert from "uvu/assert";
import {
  GetRequestSchema,
  GetResponseSchema,
  MGetRequestSchema,
  MGetResponseSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { exchange } from "../support/grpc-exchange.js";
import { suite } from "../support/suite.js";
import { startTestServer, type TestServer } from "../support/test-server.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("what balancers, browsers and other languages send");
const lines: Record<string, unknown>[] = [];
let server: TestServer;
let url: string;

test.before(async () => {
  server = await startTestServer();
  const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  ({ url } = await server.replica({
    logger,
    corsOrigins: "https://app.example, https://*.preview.example",
    corsHeaders: "baggage, sentry-trace",
    corsCredentials: true,
  }));
  await server.client.set({ key: "k", value: Buffer.from("a value") });
});

test.after(() => server.stop());

const get = "/dynakv.v1.KeyValueService/Get";

for (const expect of ["100-continue", "100-Continue", "100-CONTINUE"]) {
  test(`a client that sends "expect: ${expect}" over HTTP/1.1 is asked for its body, and answered`, async () => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
    });
    const body = '{"key":"k"}';
    const fields = `host: localhost\r\nexpect: ${expect}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    socket.write(`POST ${get} HTTP/1.1\r\n${fields}\r\n\r\n`);
    await waitUntil("it is asked for its body", () => received.includes("100 Continue"));
    socket.write(body);
    await waitUntil("it is answered", () => received.includes("YSB2YWx1ZQ=="));
    socket.destroy();
  });

  test(`a client that sends "expect: ${expect}" over HTTP/2 is asked for its body, and answered`, async () => {
    const session = connectHttp2(url);
    const body = encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "k" })));
    for (const contentType of ["application/json", "application/grpc"]) {
      const stream = session.request(
        { ":method": "POST", ":path": get, "content-type": contentType, expect, te: "trailers" },
        { endStream: false },
      );
      let isAsked = false;
      let status: number | undefined;
      const chunks: Buffer[] = [];
      stream.on("continue", () => {
        isAsked = true;
        stream.end(contentType === "application/json" ? '{"key":"k"}' : body);
      });
      stream.on("response", (fields) => {
        status = fields[":status"];
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      await new Promise((resolve) => stream.once("close", resolve));
      assert.equal([isAsked, status], [true, 200], contentType);
      assert.match(Buffer.concat(chunks).toString("latin1"), /YSB2YWx1ZQ==|a value/);
    }
    session.close();
  });
}

test("another expectation is answered with 417", async () => {
  const session = connectHttp2(url);
  const stream = session.request({ ":method": "POST", ":path": get, expect: "a miracle" });
  const status = await new Promise((resolve) => stream.once("response", (fields) => resolve(fields[":status"])));
  session.close();
  assert.is(status, 417);
});

for (const expect of ["nonsense", "100-continue", "100-continue, nonsense", "nonsense".repeat(500)]) {
  test(`a storm of clients that expect "${expect.slice(0, 30)}", and reset their connections at once, ends nothing`, async () => {
    const { hostname, port } = new URL(url);
    const head = `POST ${get} HTTP/1.1\r\nhost: localhost\r\nexpect: ${expect}\r\ncontent-type: application/json\r\ncontent-length: `;
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const socket = connect(Number(port), hostname).on("error", () => {});
        const closed = new Promise((resolve) => socket.once("close", resolve));
        await new Promise((resolve) => socket.once("connect", resolve));
        // Before, while and after the server answers.
        const leave = () => (n % 2 === 0 ? socket.resetAndDestroy() : socket.destroy());
        // Some send more requests than may wait on a connection: it is closed, with requests in it that were read already.
        const requests = n % 5 === 0 ? `${head}0\r\n\r\n`.repeat(200) : `${head}11\r\n\r\n`;
        socket.write(requests, n % 3 === 0 ? leave : () => setTimeout(leave, n % 7));
        await closed;
      }),
    );
    const session = connectHttp2(url).on("error", () => {});
    for (let n = 0; n < 50; n++) {
      const stream = session.request({ ":method": "POST", ":path": get, "content-type": "application/json", expect });
      stream.on("error", () => {});
      stream.close(n % 2 === 0 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_INTERNAL_ERROR);
    }
    session.destroy();
    const answer = await fetch(`${url}${get}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"key":"k"}',
    });
    assert.is(answer.status, 200);
  });
}

for (const path of [
  "/AWS.ALB/healthcheck",
  "/dynakv.v1.KeyValueService/Frobnicate",
  "/",
  "/grpc.health.v1.Health/check",
]) {
  test(`gRPC to ${path}, which nobody serves, is UNIMPLEMENTED`, async () => {
    const session = connectHttp2(url);
    for (const contentType of ["application/grpc", "application/grpc+proto", "application/grpc+json"]) {
      const { head, trailers } = await exchange(session, {
        path,
        contentType,
        body: [encodeEnvelope(0, new Uint8Array())],
      });
      assert.equal([head[":status"], head["grpc-status"] ?? trailers["grpc-status"]], [200, "12"], contentType);
      assert.is(head["content-type"], contentType);
    }
    session.close();
    const web = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: new Uint8Array(encodeEnvelope(0, new Uint8Array())),
    });
    assert.is(web.status, 200);
    assert.match(await web.text(), "grpc-status: 12");
    const json = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.is(json.status, 404);
  });
}

const callFrom = (origin: string) =>
  fetch(`${url}${get}`, {
    method: "POST",
    headers: { origin, "content-type": "application/json" },
    body: '{"key":"k"}',
  });
const ask = (origin: string) =>
  fetch(`${url}${get}`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });

test("pages of the origins in corsOrigins may call, by name and by pattern", async () => {
  for (const origin of ["https://app.example", "https://pr-7.preview.example", "https://a.b.preview.example"]) {
    for (const answer of [await ask(origin), await callFrom(origin)]) {
      assert.is(answer.headers.get("access-control-allow-origin"), origin);
      assert.is(answer.headers.get("access-control-allow-credentials"), "true");
    }
    const allowed = (await ask(origin)).headers.get("access-control-allow-headers") ?? "";
    for (const name of ["baggage", "sentry-trace", "Authorization", "traceparent", "Content-Type"]) {
      assert.ok(allowed.split(", ").includes(name), name);
    }
  }
});

test("pages of other origins may not, and the log names them", async () => {
  for (const origin of [
    "https://evil.example",
    "https://preview.example",
    "https://evilpreview.example",
    "https://x.preview.example.evil.example",
    "http://pr-7.preview.example",
    "https://pr-7.preview.example:8443",
    "https://app.example.evil.example",
    "https://evil.example/.preview.example",
    "null",
  ]) {
    lines.length = 0;
    for (const answer of [await ask(origin), await callFrom(origin)]) {
      assert.is(answer.headers.get("access-control-allow-origin"), null, origin);
      assert.is(answer.headers.get("access-control-allow-credentials"), null, origin);
    }
    const named = () => lines.some(({ from }) => Array.isArray(from) && from.includes(origin));
    await waitUntil(`the log names ${origin}`, named);
  }
});

/** In parts that are encoded each by itself. */
const toParts = (bytes: Uint8Array, ...lengths: number[]) => {
  let from = 0;
  const parts = [...lengths, bytes.length].map((length) => {
    const part = Buffer.from(bytes.subarray(from, from + length)).toString("base64");
    from += length;
    return part;
  });
  return parts.join("");
};

/** Every part of the text, decoded. */
const fromParts = (text: string) =>
  Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, "base64")));

const postText = (path: string, body: string) =>
  fetch(`${url}${path}`, { method: "POST", headers: { "content-type": "application/grpc-web-text" }, body });

test("gRPC-web's text mode is served: unary, streams and errors", async () => {
  const message = encodeEnvelope(0, toBinary(GetRequestSchema, create(GetRequestSchema, { key: "k" })));
  for (const body of [toParts(message), toParts(message, 1, 4), toParts(message, 5)]) {
    const answer = await postText(get, body);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/grpc-web-text/);
    const bytes = fromParts(await answer.text());
    const { entry } = fromBinary(GetResponseSchema, bytes.subarray(5, 5 + bytes.readUInt32BE(1)));
    assert.is(Buffer.from(entry?.data.value as Uint8Array).toString(), "a value");
    assert.match(bytes.toString("latin1"), "grpc-status: 0");
  }
  const keys = ["k", "missing"];
  const mGet = encodeEnvelope(0, toBinary(MGetRequestSchema, create(MGetRequestSchema, { keys })));
  const streamed = fromParts(await (await postText("/dynakv.v1.KeyValueService/MGet", toParts(mGet))).text());
  const { results } = fromBinary(MGetResponseSchema, streamed.subarray(5, 5 + streamed.readUInt32BE(1)));
  assert.equal(results.map(({ key, result }) => [key, result.case]).sort(), [
    ["k", "entry"],
    ["missing", "missing"],
  ]);
  for (const [path, body, status] of [
    [get, toParts(encodeEnvelope(0, new Uint8Array())), 3],
    [get, "no base64!", 3],
    [get, "AAAA=AAA", 3],
    ["/nobody.Serves/This", toParts(message), 12],
  ] as const) {
    const answer = await postText(path, body);
    assert.is(answer.status, 200, body);
    assert.match(fromParts(await answer.text()).toString("latin1"), `grpc-status: ${status}`, body);
  }
});

test.run();
