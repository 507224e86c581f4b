import type { Http2ServerResponse } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { networkOf } from "../../src/listener/remote-address.js";
import { holdEventLoop } from "../support/busy-loop.js";
import { enhanceYourCalm, frame, head, opening, parseFrames } from "../support/http2-frames.js";
import { suite } from "../support/suite.js";
import { type RawConnection, type RequestHandler, type TestPort, withPort } from "../support/test-port.js";
import { waitUntil } from "../support/wait-until.js";
import { flags, frameTypes } from "../support/wire/frames.js";

const test = suite("connection limits");

const hello: RequestHandler = (_, response) => {
  response.end("hello");
};
/** Answers when the body has come. */
const echo: RequestHandler = (request, response) => {
  request.resume();
  request.on("end", () => response.end("hello"));
};
const silent: RequestHandler = () => {};
const get = "GET / HTTP/1.1\r\nhost: here\r\n\r\n";
const whole = flags.endStream | flags.endHeaders;
const { data, headers, settings, ping, priority, rstStream: reset, windowUpdate, continuation, goaway } = frameTypes;

async function fetchHello({ url }: TestPort): Promise<void> {
  assert.is(await (await fetch(url, { headers: { connection: "close" } })).text(), "hello");
}

function wasReset({ received }: RawConnection, stream: number): boolean {
  const found = parseFrames(received()).find((each) => each.type === reset && each.stream === stream);
  return found?.payload.readUInt32BE(0) === enhanceYourCalm;
}

function wasCalmed({ received }: RawConnection): boolean {
  return parseFrames(received()).some(
    ({ type, payload }) => type === goaway && payload.readUInt32BE(4) === enhanceYourCalm,
  );
}

/** How many bytes a client may have sent of a call, or in all. */
function windowOf({ received }: RawConnection, stream: number): number {
  return parseFrames(received())
    .filter((each) => each.type === windowUpdate && each.stream === stream)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 65_535);
}

/** Sends the same again and again, reading what comes, until the server has closed the connection. */
async function flood({ socket, closed }: RawConnection, next: () => Uint8Array): Promise<void> {
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
  });
  for (let sent = 0; !isClosed; sent++) {
    assert.ok(sent < 20_000, "the flood goes on");
    if (!socket.write(next())) {
      await Promise.race([closed, new Promise((resolve) => socket.once("drain", resolve))]);
    }
    await sleep(1);
  }
}

test("one connection more than there may be is closed, and there is room again when another has gone", () =>
  withPort(
    hello,
    async (testPort) => {
      const first = await testPort.connect();
      await testPort.connect();
      await waitUntil("both are there", () => testPort.port.connections === 2);
      const third = await testPort.connect();
      await third.closed;
      assert.is(third.received(), "");
      first.socket.destroy();
      await waitUntil("one has gone", () => testPort.port.connections === 1);
      await fetchHello(testPort);
    },
    { limits: { maxConnections: 2 } },
  ));

test("an address that has as many connections as it may have does not keep others out", () =>
  withPort(
    hello,
    async ({ connect, port }) => {
      await connect("127.0.0.2");
      await waitUntil("it is there", () => port.connections === 1);
      await (await connect("127.0.0.2")).closed;
      const other = await connect("127.0.0.3");
      other.socket.write(get);
      await waitUntil("the other is answered", () => other.received().includes("hello"));
    },
    { limits: { maxConnectionsPerAddress: 1 } },
  ));

test("addresses of IPv6 count by their network", () => {
  assert.is(networkOf("2001:db8:1:2:3:4:5:6"), networkOf("2001:db8:1:2::9"));
  assert.is.not(networkOf("2001:db8:1:2::9"), networkOf("2001:db8:1:3::9"));
  assert.is(networkOf("::ffff:10.0.0.1"), networkOf("10.0.0.1"));
  assert.is(networkOf("::1"), "0:0:0:0::/64");
});

test("an HTTP/2 body that stands still is ended, and its connection goes on", () =>
  withPort(
    echo,
    async ({ connect }) => {
      const client = await connect();
      client.socket.write(Buffer.concat([opening(), frame(headers, flags.endHeaders, 1, head("POST"))]));
      await waitUntil("the stream is reset", () => wasReset(client, 1));
      client.socket.write(frame(headers, whole, 3, head("GET")));
      await waitUntil("another is answered", () => client.received().includes("hello"));
    },
    { limits: { bodyTimeoutMs: 100 } },
  ));

test("an HTTP/1 body that stands still ends its connection", () =>
  withPort(
    echo,
    async ({ connect }) => {
      const { socket, closed } = await connect();
      socket.write("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\nthe rest never comes");
      await closed;
    },
    { limits: { bodyTimeoutMs: 100 } },
  ));

test("an HTTP/1 request has as many fields as one of HTTP/2 may have", () =>
  withPort(hello, async ({ connect }) => {
    const request = (fields: number) =>
      `GET / HTTP/1.1\r\n${Array.from({ length: fields }, (_, n) => `x-${n}: y\r\n`).join("")}\r\n`;
    for (const [fields, status] of [
      [127, 200],
      [128, 431],
      [1000, 431],
    ] as const) {
      const { socket, received } = await connect();
      socket.write(request(fields).replace("\r\n", "\r\nhost: here\r\n"));
      await waitUntil("it is answered", () => received().includes("\r\n\r\n"));
      assert.match(received(), new RegExp(`^HTTP/1.1 ${status} `), `${fields} fields`);
    }
  }));

test("a body that comes byte by byte is ended in the end", async () => {
  let bytes = 0;
  const use = (pauseMs: number) => async (testPort: TestPort) => {
    const client = await testPort.connect();
    client.socket.write(Buffer.concat([opening(), frame(headers, flags.endHeaders, 1, head("POST"))]));
    for (bytes = 0; !wasReset(client, 1); bytes++) {
      client.socket.write(frame(data, 0, 1, Buffer.from("x")));
      await sleep(pauseMs);
    }
  };
  // Standing still ends it after some five. On a busy machine its client may do so unasked, until there is more time for it.
  for (let bodyTimeoutMs = 100; bytes <= 10 && bodyTimeoutMs <= 1600; bodyTimeoutMs *= 4) {
    await withPort(echo, use(bodyTimeoutMs / 5), { limits: { bodyTimeoutMs } });
  }
  assert.ok(bytes > 10, `${bytes} bytes`);
});

test("a call whose body has come may take its time", () =>
  withPort(
    (_, response) => {
      setTimeout(() => response.end("hello"), 500);
    },
    async ({ connect }) => {
      const client = await connect();
      const body = frame(data, flags.endStream, 1, Buffer.from("x"));
      client.socket.write(Buffer.concat([opening(), frame(headers, flags.endHeaders, 1, head("POST")), body]));
      const http1 = await connect();
      http1.socket.write(get);
      await waitUntil("both are answered", () => [client, http1].every(({ received }) => received().includes("hello")));
    },
    { limits: { bodyTimeoutMs: 20 } },
  ));

test("an answer that its client does not take is dropped", () =>
  withPort(
    hello,
    async ({ connect }) => {
      const client = await connect();
      const noWindow: [number, number] = [4, 0];
      client.socket.write(Buffer.concat([opening(noWindow), frame(headers, whole, 1, head("GET"))]));
      await waitUntil("the stream is reset", () => wasReset(client, 1));
      assert.not.match(client.received(), "hello");
    },
    { limits: { bodyTimeoutMs: 20 } },
  ));

const eight = Buffer.alloc(8);
const one = Buffer.from([0, 0, 0, 1]);
let stream = 1;

// So many at once that they are a flood on a busy machine as well, which lets few of them go in a second.
const resets = (code: number) => () => {
  const reason = Buffer.from([0, 0, 0, code]);
  const calls = Array.from({ length: 10 }, () => {
    const id = stream;
    stream += 2;
    return [frame(headers, flags.endHeaders, id, head("POST")), frame(reset, 0, id, reason)];
  });
  return Buffer.concat(calls.flat());
};
const many = (each: Buffer) => () => Buffer.concat(Array.from({ length: 2000 }, () => each));
const post = (flag: number) => frame(headers, flag, 1, head("POST"));

/** How each begins, and what it says again and again. */
const floods: Record<string, { begin?: Buffer; next: () => Buffer }> = {
  pings: { next: many(frame(ping, 0, 0, eight)) },
  "answers to pings that were not sent": { next: many(frame(ping, flags.ack, 0, eight)) },
  settings: { next: many(frame(settings, 0, 0)) },
  priorities: { next: many(frame(priority, 0, 9, Buffer.alloc(5))) },
  "window updates": { next: many(frame(windowUpdate, 0, 0, one)) },
  "frames of an unknown type": { next: many(frame(0x42, 0, 0, eight)) },
  "empty frames of a body": { begin: post(flags.endHeaders), next: many(frame(data, 0, 1)) },
  "fields that never end": { begin: post(0), next: many(frame(continuation, 0, 1)) },
  "pings with a call now and then": {
    next() {
      const id = stream;
      stream += 2;
      const pings = Array.from({ length: 20_000 }, () => frame(ping, 0, 0, eight));
      return Buffer.concat([frame(headers, whole, id, head("GET")), ...pings]);
    },
  },
  "a body in frames of a byte each": {
    begin: post(flags.endHeaders),
    next: many(frame(data, 0, 1, eight.subarray(7))),
  },
  "calls that are reset at once": { next: resets(8) },
  "calls that are reset as if all were well": { next: resets(0) },
  "calls that are reset to calm the server down": { next: resets(enhanceYourCalm) },
};

test("floods that belong to no call close their connections, and the port goes on", async () => {
  const closed: string[] = [];
  const use = async (testPort: TestPort) => {
    const flooding = new Set(Object.keys(floods));
    await Promise.all(
      Object.entries(floods).map(async ([what, { begin, next }]) => {
        const client = await testPort.connect();
        client.socket.write(Buffer.concat([opening(), begin ?? Buffer.alloc(0)]));
        await flood(client, next);
        flooding.delete(what);
      }),
    ).catch((error: Error) => {
      throw new Error(`${[...flooding].join(", ")}: ${error.message}`);
    });
    // nghttp2 ends some of them by itself.
    assert.equal([...new Set(closed)], ["flood"]);
    await fetchHello(testPort);
  };
  await withPort(hello, use, { limits: { onClosed: (why) => closed.push(why) } });
});

test("a client that sends much in its calls is no flood", () =>
  withPort(echo, async ({ connect }) => {
    const client = await connect();
    client.socket.write(Buffer.concat([opening(), frame(headers, flags.endHeaders, 1, head("POST"))]));
    const chunk = frame(data, 0, 1, Buffer.alloc(10_000));
    // As fast as the server takes it, which is by its window, and beyond the time of a look.
    const until = performance.now() + 1500;
    let windows = 0;
    // A machine that is busy takes longer for so much.
    for (let sent = 0; performance.now() < until || windows <= 1_000_000; ) {
      windows = Math.min(windowOf(client, 0), windowOf(client, 1));
      if (sent + 10_000 <= Math.min(windows, 8_000_000)) {
        client.socket.write(chunk);
        sent += 10_000;
      } else {
        await sleep(1);
      }
    }
    client.socket.write(frame(data, flags.endStream, 1));
    await waitUntil("it is answered", () => client.received().includes("hello"));
    assert.not.ok(wasCalmed(client));
  }));

test("a connection without a call is told to go, and one with a call is not cut", () =>
  withPort(
    silent,
    async ({ connect }) => {
      const idle = await connect();
      idle.socket.write(opening());
      await idle.closed;
      assert.ok(parseFrames(idle.received()).some(({ type }) => type === goaway));
      const busy = await connect();
      busy.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
      await waitUntil("it is told", () => parseFrames(busy.received()).some(({ type }) => type === goaway));
      await sleep(500);
      assert.not.ok(busy.socket.destroyed);
    },
    { limits: { idleMs: 100 } },
  ));

test("a connection whose answers wait for a busy event loop is not taken for one that has ended", async () => {
  // Answers in each turn of the event loop, right before whatever else it does at a time, and makes the turns long.
  let sent = 0;
  const hinting: RequestHandler = (_, response) => {
    const { stream } = response as Http2ServerResponse;
    const timer = setInterval(() => {
      stream.additionalHeaders({ ":status": 103 });
      sent++;
      holdEventLoop(20);
    }, 1);
    stream.once("close", () => clearInterval(timer));
  };
  await withPort(hinting, async ({ connect }) => {
    const client = await connect();
    client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
    const asked = () => parseFrames(client.received()).find(({ type }) => type === ping);
    await waitUntil("the server asks whether it is there", () => asked() !== undefined);
    // Far longer than a look takes, and less than there is to answer in.
    const from = sent;
    await waitUntil("a hundred more are sent", () => sent > from + 100);
    assert.not.ok(client.socket.destroyed);
    client.socket.write(frame(ping, flags.ack, 0, asked()?.payload));
    client.socket.destroy();
    await client.closed;
  });
});

test("a connection that ends its session right behind its answer to a ping is closed", () =>
  withPort(silent, async ({ connect }) => {
    const client = await connect();
    client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
    const asked = () => parseFrames(client.received()).find(({ type }) => type === ping);
    await waitUntil("the server asks whether it is there", () => asked() !== undefined);
    // Data of a stream that never was: nghttp2 gives the session up, and Node does not tell.
    const deadly = frame(data, 0, 101, eight);
    client.socket.write(Buffer.concat([frame(ping, flags.ack, 0, asked()?.payload), deadly]));
    let isClosed = false;
    void client.closed.then(() => {
      isClosed = true;
    });
    await waitUntil("the connection is closed", () => isClosed);
  }));

for (const [what, fields] of Object.entries({
  "17,000 bytes": { long: "x".repeat(17_000) },
  "200 fields": Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, "x"])),
})) {
  test(`a head of ${what} is refused, and the connection goes on`, () =>
    withPort(hello, async ({ connect }) => {
      const client = await connect();
      // A frame takes 16 KiB.
      const bytes = head("GET", fields);
      const first = frame(headers, flags.endStream, 1, bytes.subarray(0, 16_000));
      const second = frame(continuation, flags.endHeaders, 1, bytes.subarray(16_000));
      // The limit holds once the client has confirmed it.
      const confirmed = frame(settings, flags.ack, 0);
      client.socket.write(Buffer.concat([opening(), confirmed, first, second]));
      await waitUntil("the stream is reset", () => wasReset(client, 1));
      assert.not.match(client.received(), "hello");
      client.socket.write(frame(headers, whole, 3, head("GET")));
      await waitUntil("another is answered", () => client.received().includes("hello"));
    }));
}

test.run();
