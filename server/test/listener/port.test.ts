import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, createClient, type HandlerContext } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import {
  Health,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../gen/grpc/health/v1/health_pb.js";
import { createPort, type Port } from "../../src/listener/port.js";
import { suite } from "../support/suite.js";
import { handledBy, type RequestHandler, withPort } from "../support/test-port.js";
import { createTransports } from "../support/test-server.js";
import { waitUntil, watchUntil } from "../support/wait-until.js";

const test = suite("port");

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** An empty frame of SETTINGS: the client's first, and how the server's first begins but for its length. */
const settings = "\0\0\0\x04\0\0\0\0\0";
const settingsType = "\x04";
const get = "GET / HTTP/1.1\r\nhost: here\r\n\r\n";
const hello: RequestHandler = (_, response) => {
  response.end("hello");
};
/** Long enough to be waited for in vain by whoever waits for it. */
const forever = 2 ** 31 - 1;

const path = `/${Health.typeName}`;
const check = (router: ConnectRouter) => router.service(Health, { check: () => ({ status: Status.SERVING }) });

/** Closes a port with all the time that its calls may want; rejects when it does not close by itself. */
async function closeGracefully(port: Port): Promise<void> {
  let closed = false;
  const closing = port.close(forever).then(() => {
    closed = true;
  });
  await waitUntil("the port is closed", () => closed);
  await closing;
}

/** What an HTTP/2 server says first: nobody else starts like this. */
const isHttp2 = (received: string): boolean => received[3] === settingsType;

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

for (const [what, end] of [
  ["a stop", (port: Port) => port.close(forever)],
  ["a request to connect anew", async (port: Port) => port.goAway()],
] as const) {
  test(`the request that crosses ${what} on a connection of HTTP/1.1 is answered, and told to be the last`, () =>
    withPort(hello, async ({ connect, port }) => {
      const { socket, received, closed } = await connect();
      socket.write(get);
      await waitUntil("it is answered", () => received().includes("hello"));
      const ended = end(port);
      socket.write(get);
      await closed;
      await ended;
      assert.is(received().split("hello").length, 3);
      assert.match(received(), /connection: close/i);
    }));
}

test("connections that the system accepts while a stop begins are served", () =>
  withPort(hello, async ({ number, port }) => {
    await new Promise((resolve) => setImmediate(resolve));
    // The event loop does not turn in between: the port learns of them when it is stopping already.
    const sockets = Array.from({ length: 20 }, () => connectSocket({ host: "127.0.0.1", port: number }));
    const stopped = port.close(forever);
    // Next come timers, which are due by then, as they may be on a busy machine.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        let received = "";
        socket.setEncoding("latin1").on("data", (text: string) => {
          received += text;
        });
        socket.write(get);
        await once(socket, "close");
        return received;
      }),
    );
    await stopped;
    assert.is(answers.filter((answer) => answer.includes("hello")).length, 20);
  }));

test("an address that is taken is refused", () =>
  withPort(hello, async ({ number }) => {
    const other = createPort({ onExchange: handledBy(hello), maxStreams: 1 });
    const error = await other.listen("127.0.0.1", number).catch((reason) => reason);
    assert.is(error.code, "EADDRINUSE");
    await other.close(forever);
  }));

test("a port that never listened can be closed, and any port twice", async () => {
  const port = createPort({ onExchange: handledBy(hello), maxStreams: 1 });
  await Promise.all([port.close(forever), port.close(0)]);
});

/** A stream of large messages, which counts how often it is asked for one and how often it has ended. */
function createFlood() {
  const counts = { started: 0, sent: 0, ended: 0 };
  const message = create(HealthCheckResponseSchema, { status: Status.SERVING });
  // An unknown field of 50,000 bytes: enough to fill every buffer on the way.
  message.$unknown = [{ no: 99, wireType: 2, data: Uint8Array.of(0xd0, 0x86, 0x03, ...new Uint8Array(50_000)) }];
  async function* watch(_: unknown, { signal }: HandlerContext) {
    counts.started++;
    try {
      while (!signal.aborted) {
        counts.sent++;
        yield message;
      }
    } finally {
      counts.ended++;
    }
  }
  return { counts, routes: (router: ConnectRouter) => router.service(Health, { watch }) };
}

/** Waits until nothing more is sent: the stream is blocked, as its client does not read. */
async function waitUntilBlocked(counts: { sent: number }): Promise<void> {
  let before = 0;
  let same = 0;
  await waitUntil("the stream is blocked", () => {
    same = counts.sent > 0 && counts.sent === before ? same + 1 : 0;
    before = counts.sent;
    return same > 20;
  });
}

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

test("a stream that is blocked on its reader does not keep the port from closing, once the drain time has passed", async () => {
  const { counts, routes } = createFlood();
  await withPort({ routes }, async ({ url, port }) => {
    const session = connectHttp2(url);
    session.on("error", () => {});
    const stream = session.request({ ":method": "POST", ":path": `${path}/Watch`, "content-type": "application/grpc" });
    stream.on("error", () => {});
    stream.on("response", () => {});
    stream.pause();
    stream.end(Buffer.alloc(5));
    await waitUntilBlocked(counts);
    await port.close(50);
    assert.is(port.connections, 0);
    await waitUntil("it has ended", () => counts.ended === 1);
    session.destroy();
  });
});

/** A stream that sends one message, and another one when it is told to. */
function createGatedStream() {
  let open = (): void => {};
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  async function* watch() {
    yield { status: Status.NOT_SERVING };
    await opening;
    yield { status: Status.SERVING };
  }
  return { open, routes: (router: ConnectRouter) => router.service(Health, { watch }) };
}

for (const protocol of Object.keys(createTransports("http://nowhere")).filter((name) => !name.endsWith("GET"))) {
  test(`${protocol}: a stream that runs when the port closes is finished`, async () => {
    const { open, routes } = createGatedStream();
    await withPort({ routes }, async ({ url, port }) => {
      const messages = createWatch(url, protocol);
      assert.is((await messages.next()).value?.status, Status.NOT_SERVING);
      const closed = closeGracefully(port);
      open();
      assert.is((await messages.next()).value?.status, Status.SERVING);
      assert.ok((await messages.next()).done);
      await closed;
      assert.is(port.connections, 0);
    });
  });

  test(`${protocol}: a stream that still runs after the drain time is cut`, async () => {
    const { routes } = createGatedStream();
    await withPort({ routes }, async ({ url, port }) => {
      const messages = createWatch(url, protocol);
      await messages.next();
      const end = messages.next().then(
        () => "Ok",
        (error) => Code[ConnectError.from(error).code],
      );
      await port.close(50);
      assert.is(port.connections, 0);
      assert.is.not(await end, "Ok");
    });
  });

  test(`${protocol}: an idle connection does not keep the port from closing`, () =>
    withPort({ routes: check }, async ({ url, port }) => {
      const transport = createTransports(url)[protocol];
      assert.ok(transport);
      if (transport !== undefined) {
        await createClient(Health, transport).check({});
      }
      await closeGracefully(port);
      assert.is(port.connections, 0);
    }));
}

function createWatch(url: string, protocol: string) {
  const transport = createTransports(url)[protocol];
  if (transport === undefined) {
    throw new Error(`no transport ${protocol}`);
  }
  return createClient(Health, transport).watch({})[Symbol.asyncIterator]();
}

test("an HTTP/2 client that does not confirm the end does not keep the port from closing", () =>
  withPort(hello, async ({ connect, port }) => {
    const { socket, received, closed } = await connect();
    socket.write(preface + settings, "latin1");
    await waitUntil("the server speaks HTTP/2", () => isHttp2(received()));
    await closeGracefully(port);
    await closed;
  }));

test("an HTTP/2 client is first asked for no more calls, before any is refused", () =>
  withPort(hello, async ({ url, port }) => {
    const session = connectHttp2(url);
    await once(session, "remoteSettings");
    const goaway = once(session, "goaway");
    await closeGracefully(port);
    const [code, lastStreamId] = await goaway;
    assert.is(code, 0);
    assert.is(lastStreamId, 2 ** 31 - 1);
  }));

test("an HTTP/2 call that is on its way when the port closes is served", () =>
  withPort(hello, async ({ connect, port }) => {
    const { socket, received } = await connect();
    socket.write(preface + settings, "latin1");
    await waitUntil("the server speaks HTTP/2", () => isHttp2(received()));
    const drained = closeGracefully(port);
    // The HEADERS of a GET of "/", from a client that has not seen the GOAWAY yet.
    socket.write("\0\0\x09\x01\x05\0\0\0\x01\x82\x86\x84\x41\x04here", "latin1");
    await waitUntil("it is answered", () => received().includes("hello"));
    await drained;
  }));

test("an HTTP/1 client whose request runs when the port closes is told that it is the last one", async () => {
  let finish: (() => void) | undefined;
  const hold: RequestHandler = (_, response) => {
    finish = () => response.end("done");
  };
  await withPort(hold, async ({ connect, port }) => {
    const { socket, received } = await connect();
    socket.write(get);
    await waitUntil("it is running", () => finish !== undefined);
    const drained = closeGracefully(port);
    finish?.();
    await drained;
    assert.match(received(), /connection: close/i);
  });
});

test("closing again with less time cuts what still runs", async () => {
  const { routes } = createGatedStream();
  await withPort({ routes }, async ({ url, port }) => {
    const messages = createWatch(url, "gRPC");
    await messages.next();
    const end = messages.next().catch(() => "cut");
    const first = port.close(forever);
    await port.close(0);
    await first;
    assert.is(await end, "cut");
  });
});

test("a request on a connection that is kept alive while the port closes is answered, as the last one", async () => {
  const held: (() => void)[] = [];
  const hold: RequestHandler = (_, response) => {
    held.push(() => response.end("done"));
  };
  await withPort(hold, async ({ connect, port }) => {
    const { socket, received, closed } = await connect();
    socket.write(get);
    await waitUntil("the first is running", () => held.length === 1);
    const drained = closeGracefully(port);
    socket.write(get);
    await waitUntil("the second is running", () => held.length === 2);
    for (const finish of held) {
      finish();
    }
    await Promise.all([drained, closed]);
    assert.match(received(), /connection: close/i);
  });
});

test("the request after a stream that had begun before the port closes is answered, as the last one", async () => {
  const streams: (() => void)[] = [];
  const stream: RequestHandler = (request, response) => {
    if (request.url === "/stream") {
      (response as ServerResponse).write("begun");
      streams.push(() => response.end("over"));
    } else {
      response.end("hello");
    }
  };
  await withPort(stream, async ({ connect, port }) => {
    const { socket, received, closed } = await connect();
    socket.write(get.replace("/", "/stream"));
    await waitUntil("it has begun", () => received().includes("begun"));
    const drained = closeGracefully(port);
    // The system's queue of connections is emptied, and those that looked idle are closed.
    await new Promise((resolve) => setTimeout(resolve, 800));
    for (const end of streams) {
      end();
    }
    // Its server waits for half a second.
    await watchUntil("it is over", () => received().includes("over"));
    socket.write(get);
    await Promise.all([drained, closed]);
    assert.match(received(), /over.*connection: close.*hello/is);
  });
});

test("a response that is complete but not yet read is not cut off when the port closes", async () => {
  const size = 20_000_000;
  let complete = false;
  const large: RequestHandler = (_, response) => {
    response.end(Buffer.alloc(size, "x"));
    complete = true;
  };
  await withPort(large, async ({ connect, port }) => {
    const { socket, closed } = await connect();
    let length = 0;
    socket.on("data", (chunk: Buffer) => {
      length += chunk.length;
    });
    socket.pause();
    socket.write(get);
    await waitUntil("it is complete", () => complete);
    const drained = closeGracefully(port);
    socket.resume();
    await Promise.all([drained, closed]);
    assert.ok(length > size, `only ${length} bytes of ${size}`);
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

test("a port that is closed accepts nobody", () =>
  withPort(hello, async ({ url, port }) => {
    await closeGracefully(port);
    const error = await fetch(url).catch((reason) => reason);
    assert.is(error.cause?.code, "ECONNREFUSED");
  }));

test.run();
