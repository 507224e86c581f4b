import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import { Code, ConnectError, type ConnectRouter, createClient } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { createPort, type Port } from "../../src/listener/port.js";
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

const test = suite("a port that closes");

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

test("a port that never listened can be closed, and any port twice", async () => {
  const port = createPort({ onExchange: handledBy(hello), maxStreams: 1 });
  await Promise.all([port.close(forever), port.close(0)]);
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

test("a port that is closed accepts nobody", () =>
  withPort(hello, async ({ url, port }) => {
    await closeGracefully(port);
    const error = await fetch(url).catch((reason) => reason);
    assert.is(error.cause?.code, "ECONNREFUSED");
  }));

test("connections that come without a pause keep no port from closing", () =>
  withPort(hello, async ({ connect, port }) => {
    let opened = 0;
    let closing: Promise<void> | undefined;
    // One for each turn of the event loop, in which one is accepted.
    for (let isRefused = false; !isRefused && opened < 1500; ) {
      const { socket } = await connect();
      isRefused = socket.readyState !== "open";
      socket.resetAndDestroy();
      opened++;
      if (opened === 10) {
        closing = port.close(forever);
      }
    }
    assert.ok(opened < 1500, "one is refused");
    await closing;
  }));

test.run();
