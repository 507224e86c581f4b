import type { ServerResponse } from "node:http";
import * as assert from "uvu/assert";
import { frame, head, opening, parseFrames } from "../support/http2-frames.js";
import { suite } from "../support/suite.js";
import { type RawConnection, type RequestHandler, withPort } from "../support/test-port.js";
import { waitUntil } from "../support/wait-until.js";
import { flags, frameTypes } from "../support/wire/frames.js";

const test = suite("connections that are replaced");

const hello: RequestHandler = (_, response) => {
  response.end("hello");
};
const whole = flags.endStream | flags.endHeaders;
const { goaway, headers, rstStream } = frameTypes;
const minuteMs = 60_000;

/** The last call that is served, by each GOAWAY that has come. */
function goaways({ received }: RawConnection): { lastStream: number; code: number }[] {
  return parseFrames(received())
    .filter(({ type }) => type === goaway)
    .map(({ payload }) => ({ lastStream: payload.readUInt32BE(0), code: payload.readUInt32BE(4) }));
}

test("a connection that has reached its maximum age is told to go, and its call finishes", async () => {
  let answer: (() => void) | undefined;
  const handler: RequestHandler = (_, response) => {
    answer = () => response.end("hello");
  };
  await withPort(
    handler,
    async ({ connect }) => {
      const client = await connect();
      client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
      await waitUntil("it is told", () => goaways(client).length > 0);
      // Without an error, and without refusing what may be on its way.
      assert.equal(goaways(client)[0], { lastStream: 2 ** 31 - 1, code: 0 });
      await waitUntil("the call has come", () => answer !== undefined);
      assert.not.ok(client.socket.destroyed);
      answer?.();
      await client.closed;
      assert.match(client.received(), "hello");
    },
    { age: { maxAgeMs: 50, graceMs: minuteMs } },
  );
});

test("what still runs after the grace is cut", () =>
  withPort(
    () => {},
    async ({ connect }) => {
      const client = await connect();
      client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
      await client.closed;
      const other = await connect();
      other.socket.write("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
      await other.closed;
    },
    { age: { maxAgeMs: 50, graceMs: 50 } },
  ));

test("over HTTP/1.1 the answer in flight is the last, and says so", async () => {
  const waiting: ServerResponse[] = [];
  await withPort(
    (_, response) => {
      waiting.push(response as ServerResponse);
    },
    async ({ connect }) => {
      const idle = await connect();
      idle.socket.write("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
      await waitUntil("it has come", () => waiting.length === 1);
      // Its head has not been sent: it is told in there.
      await waitUntil("it has its age", () => waiting[0]?.getHeader("connection") === "close");
      waiting[0]?.end("hello");
      await idle.closed;
      assert.match(idle.received(), /connection: close/i);
      assert.match(idle.received(), "hello");
    },
    { age: { maxAgeMs: 50, graceMs: minuteMs } },
  );
});

test("without an age, connections stay", () =>
  withPort(hello, async ({ connect }) => {
    const client = await connect();
    client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
    await waitUntil("it is answered", () => client.received().includes("hello"));
    client.socket.write(frame(headers, whole, 3, head("GET")));
    await waitUntil("another is answered", () => client.received().split("hello").length === 3);
    assert.equal(goaways(client), []);
  }));

test("a connection of many callers, some of whom cancel, is replaced, and no other call of it fails", async () => {
  const closed: string[] = [];
  let innocent: (() => void) | undefined;
  const handler: RequestHandler = (request, response) => {
    if (request.method === "GET") {
      innocent = () => response.end("hello");
    }
  };
  await withPort(
    handler,
    async ({ connect }) => {
      const client = await connect();
      client.socket.write(Buffer.concat([opening(), frame(headers, whole, 1, head("GET"))]));
      await waitUntil("the innocent call has come", () => innocent !== undefined);
      const cancel = Buffer.from([0, 0, 0, 8]);
      for (let stream = 3; goaways(client).length === 0; stream += 2) {
        // A real one goes elsewhere once it is told, and so stays below what ends a connection.
        assert.ok(stream < 2 * 900, "it is not told");
        client.socket.write(
          Buffer.concat([frame(headers, flags.endHeaders, stream, head("POST")), frame(rstStream, 0, stream, cancel)]),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.is(goaways(client)[0]?.code, 0);
      innocent?.();
      await waitUntil("the innocent call is answered", () => client.received().includes("hello"));
      assert.equal(closed, []);
    },
    { limits: { onClosed: (why) => closed.push(why) } },
  );
});

test.run();
