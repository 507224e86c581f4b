import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Readable } from "node:stream";
import { createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { createPort } from "../../src/listener/port.js";
import {
  check,
  closeGracefully,
  createFlood,
  forever,
  get,
  hello,
  isHttp2,
  path,
  preface,
  settings,
  waitUntilBlocked,
} from "../support/port-traffic.js";
import { suite } from "../support/suite.js";
import { handledBy, type RequestHandler, withPort } from "../support/test-port.js";
import { createTransports } from "../support/test-server.js";
import { waitUntil, watchUntil } from "../support/wait-until.js";

const test = suite("port");

test("a connection takes large requests without a round trip for each 64 KiB", () =>
  withPort(hello, async ({ url }) => {
    const session = connectHttp2(url);
    // What the server says first comes before its answer.
    await once(session.request().resume(), "end");
    assert.ok((session.state.remoteWindowSize ?? 0) >= 1024 * 1024, `a window of ${session.state.remoteWindowSize}`);
    session.destroy();
  }));

test("clients of every protocol are answered on one port", () =>
  withPort({ routes: check }, async ({ url }) => {
    for (const [name, transport] of Object.entries(createTransports(url))) {
      assert.is((await createClient(Health, transport).check({})).status, Status.SERVING, name);
    }
    const response = await fetch(`${url}${path}/Check`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: "{}",
    });
    assert.equal(await response.json(), { status: "SERVING" });
  }));

test("an HTTP/1 request that is answered before it was read whole ends its connection, and one read whole does not", () =>
  withPort(hello, async ({ connect }) => {
    const unfinished = await connect();
    unfinished.socket.write("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\nthe rest never comes");
    await unfinished.closed;
    assert.match(unfinished.received(), /connection: close/i);
    assert.match(unfinished.received(), "hello");
    const whole = await connect();
    whole.socket.write(get);
    await waitUntil("the first is answered", () => whole.received().includes("hello"));
    assert.not.match(whole.received(), /connection: close/i);
    whole.socket.write(get);
    await waitUntil("the second is answered", () => whole.received().split("hello").length === 3);
  }));

test("a request behind an answer that is the last of its connection is not carried out", () => {
  let calls = 0;
  const serve: RequestHandler = (_, response) => {
    calls++;
    response.writeHead(200).end("hello");
  };
  return withPort(serve, async ({ connect }) => {
    const client = await connect();
    client.socket.write(`POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 5\r\n\r\n12345${get}`);
    await client.closed;
    assert.match(client.received(), /connection: close/i);
    assert.is(calls, 1);
  });
});

test("an HTTP/2 preface that arrives byte by byte is known for what it is", () =>
  withPort(hello, async ({ connect }) => {
    const { socket, received } = await connect();
    for (const byte of preface + settings) {
      socket.write(byte, "latin1");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await waitUntil("the server speaks HTTP/2", () => isHttp2(received()));
  }));

test("an HTTP/1 request that arrives byte by byte is known for what it is", () =>
  withPort(hello, async ({ connect }) => {
    const { socket, received } = await connect();
    for (const byte of get) {
      socket.write(byte, "latin1");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await waitUntil("it is answered", () => received().endsWith("hello\r\n0\r\n\r\n") || received().endsWith("hello"));
    assert.match(received(), /^HTTP\/1\.1 200 /);
  }));

test("a preface with the first frames behind it loses none of them", () =>
  withPort(hello, async ({ url }) => {
    const session = connectHttp2(url);
    const stream = session.request({ ":path": "/" });
    let body = "";
    for await (const chunk of stream) {
      body += chunk;
    }
    assert.is(body, "hello");
    session.destroy();
  }));

for (const [what, bytes] of Object.entries({
  "are no text": "\0\xff\xfe\x16\x03\x01",
  "start like the HTTP/2 preface and go on otherwise": "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
  "are a method that no server knows": "PRINT / HTTP/1.1\r\nhost: here\r\n\r\n",
})) {
  test(`first bytes that ${what} are refused as HTTP/1, and the port goes on`, () =>
    withPort(hello, async ({ connect, url }) => {
      const { socket, received, closed } = await connect();
      socket.write(bytes, "latin1");
      await closed;
      assert.match(received(), /^HTTP\/1\.1 400 /);
      assert.is(await (await fetch(url, { headers: { connection: "close" } })).text(), "hello");
    }));
}

test("garbage after the HTTP/2 preface ends the connection, and the port goes on", () =>
  withPort(hello, async ({ connect, url }) => {
    const { socket, closed } = await connect();
    socket.write(`${preface}${"\xff".repeat(100)}`, "latin1");
    await closed;
    assert.is(await (await fetch(url, { headers: { connection: "close" } })).text(), "hello");
  }));

for (const [what, bytes] of Object.entries({
  "data on a stream that never was": "\0\0\x04\0\0\0\0\0\x07data",
  "a header block that is none": "\0\0\x03\x01\x05\0\0\0\x01\xff\xff\x7f",
  "a frame that is too long": "\xff\xff\xff\0\0\0\0\0\x01",
})) {
  test(`HTTP/2 that goes wrong by ${what} ends the connection, also when its client keeps its side open`, () =>
    withPort(hello, async ({ connect, port }) => {
      const { socket } = await connect();
      socket.write(`${preface}${settings}${bytes}`, "latin1");
      await watchUntil("it is accepted", () => port.connections === 1);
      await waitUntil("it is gone", () => port.connections === 0);
    }));
}

test("an HTTP/2 client that does not read what it has asked for keeps its connection", () => {
  const size = 30_000_000;
  // In pieces: what was handed on at once would come in any case.
  const large: RequestHandler = (_, response) => {
    Readable.from(Array.from({ length: 30 }, () => Buffer.alloc(size / 30))).pipe(response);
  };
  return withPort(large, async ({ connect }) => {
    const { socket } = await connect();
    let length = 0;
    socket.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    socket.pause();
    // A window of 2^31 - 1 bytes for the connection and each stream, then the HEADERS of a GET of "/".
    const windows = "\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0";
    socket.write(`${preface}${windows}\0\0\x09\x01\x05\0\0\0\x01\x82\x86\x84\x41\x04here`, "latin1");
    // Time enough to be looked at several times.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    socket.resume();
    await waitUntil("all of it has come", () => length > size);
  });
});

for (const [what, bytes] of Object.entries({
  "says nothing": "",
  "stops in the middle of the HTTP/2 preface": preface.slice(0, 10),
  "stops in the middle of an HTTP/1 head": get.slice(0, -4),
})) {
  test(`a connection that ${what} is given up after the time for it`, () =>
    withPort(
      hello,
      async ({ connect, port }) => {
        const { socket } = await connect();
        socket.write(bytes);
        await watchUntil("it is accepted", () => port.connections === 1);
        await waitUntil("it is gone", () => port.connections === 0);
      },
      { headTimeoutMs: 50 },
    ));

  test(`a connection that ${what} does not keep the port from closing`, () =>
    withPort(hello, async ({ connect, port }) => {
      const { socket, closed } = await connect();
      socket.write(bytes);
      await waitUntil("it is accepted", () => port.connections === 1);
      await closeGracefully(port);
      await closed;
    }));
}

test("an HTTP/1 client that has closed its half is still answered", () =>
  withPort(hello, async ({ connect }) => {
    const { socket, received, closed } = await connect();
    socket.end(get);
    await closed;
    assert.match(received(), /hello/);
  }));

test("a client that sends far more requests over HTTP/1 than it waits for answers to loses its connection", () =>
  withPort(
    () => {},
    async ({ connect }) => {
      const { socket, closed } = await connect();
      socket.write(get.repeat(100), "latin1");
      await closed;
    },
  ));

test("connections that their clients end or reset are not kept", () =>
  withPort(hello, async ({ connect, port }) => {
    for (const bytes of ["", "P", preface + settings, get, "GET / HT", preface.slice(0, 5)]) {
      for (const leave of ["end", "resetAndDestroy"] as const) {
        const { socket } = await connect();
        await new Promise((resolve) => socket.write(bytes, "latin1", resolve));
        await waitUntil("it is accepted", () => port.connections === 1);
        socket[leave]();
        await waitUntil("it is gone", () => port.connections === 0);
      }
    }
  }));

for (const head of [`POST ${path}/Check HTTP/1.0\r\n`, `POST ${path}/Check HTTP/1.1\r\nhost: not a:host\r\n`]) {
  test(`a request without a valid host is refused, and the port goes on: ${JSON.stringify(head)}`, () =>
    withPort({ routes: check }, async ({ connect, url }) => {
      const { socket, received } = await connect();
      socket.write(`${head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
      await waitUntil("it is answered", () => received().includes("\r\n\r\n"));
      assert.match(received(), /^HTTP\/1\.1 400 /);
      for (const transport of Object.values(createTransports(url))) {
        assert.is((await createClient(Health, transport).check({})).status, Status.SERVING);
      }
    }));
}

test("an address that is taken is refused", () =>
  withPort(hello, async ({ number }) => {
    const other = createPort({ onExchange: handledBy(hello), maxStreams: 1 });
    const error = await other.listen("127.0.0.1", number).catch((reason) => reason);
    assert.is(error.code, "EADDRINUSE");
    await other.close(forever);
  }));

for (const code of [0, 2, 8]) {
  test(`a stream that is blocked on its reader ends when an HTTP/2 client resets it with code ${code}`, async () => {
    const { counts, routes } = createFlood();
    await withPort({ routes }, async ({ url }) => {
      const session = connectHttp2(url);
      const stream = session.request({
        ":method": "POST",
        ":path": `${path}/Watch`,
        "content-type": "application/grpc+proto",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.on("response", () => {});
      stream.pause();
      stream.end(Buffer.alloc(5));
      await waitUntilBlocked(counts);
      assert.is(counts.ended, 0);
      stream.close(code);
      await waitUntil("it has ended", () => counts.ended === 1);
      session.destroy();
    });
  });
}

test("a stream that is blocked on its reader ends when an HTTP/1 client leaves", async () => {
  const { counts, routes } = createFlood();
  await withPort({ routes }, async ({ connect }) => {
    const { socket } = await connect();
    socket.pause();
    const head = "content-type: application/grpc-web+proto\r\ncontent-length: 5";
    socket.write(`POST ${path}/Watch HTTP/1.1\r\nhost: here\r\n${head}\r\n\r\n\0\0\0\0\0`);
    await waitUntilBlocked(counts);
    assert.is(counts.ended, 0);
    socket.destroy();
    await waitUntil("it has ended", () => counts.ended === 1);
  });
});

test("as many large responses as one connection may have calls are all answered", () => {
  const size = 400_000;
  const large: RequestHandler = (_, response) => {
    response.end(Buffer.alloc(size, "x"));
  };
  return withPort(large, async ({ url }) => {
    const session = connectHttp2(url);
    await once(session, "remoteSettings");
    const lengths = Array.from({ length: 100 }, async () => {
      let length = 0;
      for await (const chunk of session.request({ ":path": "/" })) {
        length += chunk.length;
      }
      return length;
    });
    assert.equal(new Set(await Promise.all(lengths)), new Set([size]));
    session.destroy();
  });
});

test.run();
