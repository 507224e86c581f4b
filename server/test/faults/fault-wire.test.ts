import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { type Fault, type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { countResources, type Resources, waitForNoLeaks } from "../support/leaks.js";
import { sendRaw } from "../support/send-raw.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("fault proxy: the bytes on the wire");

/** An engine whose answers are always the same, and which keeps what it was asked. */
interface FixedEngine {
  readonly asked: { readonly message: IncomingMessage; readonly body: Buffer }[];
  /** How many connections it was ever given. */
  connections(): number;
  readonly proxy: FaultProxy;
}

const answerBody = Buffer.from('{"Attributes":{"c":{"N":"1"}}}');
const engineDate = "Mon, 01 Jan 2024 00:00:00 GMT";
const answerHeaders = [
  "x-Amz-Crc32",
  "123",
  "Content-Type",
  "application/x-amz-json-1.0",
  "x-amzn-RequestId",
  "REQ",
  "Date",
  engineDate,
];
const asUpdate = { "x-amz-target": "DynamoDB_20120810.UpdateItem", "content-type": "application/x-amz-json-1.0" };

async function withEngine(
  use: (engine: FixedEngine) => Promise<void>,
  { headers = answerHeaders, body = answerBody } = {},
): Promise<void> {
  const before: Resources = countResources();
  const asked: { message: IncomingMessage; body: Buffer }[] = [];
  let connections = 0;
  const server = createServer(async (message, response) => {
    response.sendDate = false;
    const chunks: Buffer[] = [];
    for await (const chunk of message) {
      chunks.push(chunk);
    }
    asked.push({ message, body: Buffer.concat(chunks) });
    response.writeHead(200, [...headers, "Content-Length", String(body.length)]).end(body);
  });
  server.on("connection", () => connections++);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const proxy = await startFaultProxy({ target: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  try {
    await use({ asked, connections: () => connections, proxy });
  } finally {
    await proxy.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await waitForNoLeaks(before);
}

/** The headers of an answer, without those that are about one connection. */
function withoutConnection(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => !/^(connection|keep-alive)$/i.test(rawHeaders[at - (at % 2)] ?? ""));
}

test("what is forwarded is the same, byte for byte, on connections to the engine that are kept", async () => {
  await withEngine(async ({ proxy, asked, connections }) => {
    for (let n = 0; n < 3; n++) {
      const answer = await sendRaw(`${proxy.endpoint}/path?q=1`, { ...asUpdate, "X-Custom": "Ä" }, '{"Key":1}');
      assert.equal(answer.body, answerBody);
      assert.equal(withoutConnection(answer.rawHeaders), [
        ...answerHeaders,
        "Content-Length",
        String(answerBody.length),
      ]);
    }
    const { message, body } = asked[0] as FixedEngine["asked"][number];
    assert.equal([message.method, message.url, body.toString()], ["POST", "/path?q=1", '{"Key":1}']);
    assert.is(message.headers.host, proxy.endpoint.replace("http://", ""), "the signature covers the host");
    assert.is(message.headers["x-custom"], "Ä");
    assert.is(connections(), 1);
  });
});

test("an answer that is changed has the length that it has, and no checksum; its date can be moved", async () => {
  await withEngine(async ({ proxy, asked }) => {
    const send = async (fault: Fault) => {
      proxy.failNext("UpdateItem", 1, fault);
      const { status, headers, body, isCut } = await sendRaw(
        proxy.endpoint,
        { ...asUpdate, "accept-encoding": "gzip" },
        "{}",
      );
      assert.is(headers["x-amz-crc32"], fault === "cut-answer" || moved === fault ? "123" : undefined);
      return [status, Number(headers["content-length"]), body.toString(), isCut, headers.date === engineDate];
    };
    const moved: Fault = { kind: "clock-jump", byMs: 60_000 };
    const half = answerBody.subarray(0, 15).toString();
    assert.equal(await send("empty-object"), [200, 2, "{}", false, true]);
    assert.equal(await send("empty-body"), [200, 0, "", false, true]);
    assert.equal(await send("broken-json"), [200, 15, half, false, true]);
    assert.equal(await send("cut-answer"), [200, 30, half, true, true]);
    assert.equal(await send({ kind: "rewrite", answer: () => Buffer.from("Ä") }), [200, 2, "Ä", false, true]);
    assert.equal(await send(moved), [200, 30, answerBody.toString(), false, false]);
    assert.is(asked.length, 6);
    assert.is(asked[4]?.message.headers["accept-encoding"], undefined, "what shall be changed must not be compressed");
    proxy.failNext("UpdateItem", 1, moved);
    const { headers } = await sendRaw(proxy.endpoint, asUpdate, "{}");
    assert.is(headers.date, "Mon, 01 Jan 2024 00:01:00 GMT");
  });
});

test("an answer without a body is lost when it is cut", async () => {
  await withEngine(
    async ({ proxy, asked }) => {
      proxy.failNext("UpdateItem", 1, "cut-answer");
      const isLost = await sendRaw(proxy.endpoint, asUpdate, "{}").then(
        () => false,
        () => true,
      );
      assert.ok(isLost);
      assert.is(asked.length, 1);
    },
    { body: Buffer.alloc(0) },
  );
});

test("a compressed answer passes unread", async () => {
  const body = gzipSync(answerBody);
  const headers = ["Content-Encoding", "gzip"];
  await withEngine(
    async ({ proxy }) => {
      const answer = await sendRaw(proxy.endpoint, { ...asUpdate, "accept-encoding": "gzip" }, "{}");
      assert.equal(answer.body, body);
      assert.is(answer.headers["content-encoding"], "gzip");
      assert.is(answer.headers.date, undefined, "nothing is added");
    },
    { headers, body },
  );
});

test("16 MB pass both ways, also after Expect: 100-continue", async () => {
  const large = Buffer.alloc(16 * 1024 * 1024, "x");
  await withEngine(
    async ({ proxy, asked }) => {
      const answer = await sendRaw(
        proxy.endpoint,
        { ...asUpdate, expect: "100-continue", "transfer-encoding": "chunked" },
        large,
      );
      assert.ok(answer.body.equals(large));
      assert.ok(asked[0]?.body.equals(large));
      assert.is(asked[0]?.message.headers.expect, undefined);
    },
    { body: large },
  );
});

test("pipelined requests are answered in their order, and the log keeps the last 10,000", async () => {
  await withEngine(async ({ proxy }) => {
    proxy.decide = ({ n }) =>
      n === 1 ? { kind: "delay", beforeMs: 20 } : { kind: "answer", status: 200, body: { n } };
    const socket = connect(Number(new URL(proxy.endpoint).port), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    const total = 10_050;
    const one = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: D.A\r\nContent-Length: 2\r\n\r\n{}";
    socket.write(one.repeat(total));
    await waitUntil("all are answered", () => received.endsWith(`{"n":${total}}`));
    assert.equal(
      [...received.matchAll(/\{"(?:n":(\d+)|Attributes)/g)].map(([, n = "1"]) => Number(n)),
      Array.from({ length: total }, (_, index) => index + 1),
    );
    assert.equal([proxy.log.length, proxy.log[0]?.n, proxy.log.at(-1)?.n], [10_000, 51, total]);
    socket.destroy();
  });
});

test("a client that leaves in the middle of its request is not counted, and harms nobody", async () => {
  await withEngine(async ({ proxy, asked }) => {
    const socket = connect(Number(new URL(proxy.endpoint).port), "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: D.A\r\nContent-Length: 200\r\n\r\nhalf");
    await once(socket, "connect");
    socket.resetAndDestroy();
    proxy.failNext("UpdateItem", 1, { kind: "delay", beforeMs: 10 });
    assert.is((await sendRaw(proxy.endpoint, asUpdate, "{}")).status, 200);
    assert.equal([proxy.requests.get("A"), asked.length], [undefined, 1]);
  });
});

test("an engine that is down, resets, or breaks off its answer is a cut connection", async () => {
  const before = countResources();
  const sockets: Socket[] = [];
  let behaviour: (socket: Socket) => void = () => {};
  const engine = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => behaviour(socket));
  });
  await once(engine.listen(0, "127.0.0.1"), "listening");
  const proxy = await startFaultProxy({ target: `http://127.0.0.1:${(engine.address() as AddressInfo).port}` });
  const isRefused = () =>
    sendRaw(proxy.endpoint, asUpdate, "{}").then(
      () => false,
      () => true,
    );

  behaviour = (socket) => socket.resetAndDestroy();
  assert.ok(await isRefused());
  behaviour = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  assert.ok(await isRefused());
  behaviour = (socket) => socket.end("no HTTP");
  assert.ok(await isRefused());
  const closed = once(engine, "close");
  engine.close();
  await closed;
  assert.ok(await isRefused());
  assert.is(proxy.requests.get("UpdateItem"), 4);
  await proxy.stop();
  await waitForNoLeaks(before);
});

test.run();
