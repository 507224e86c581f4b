import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { createClient } from "../src/index.js";

const test = suite("GOAWAY");

test("a server that says GOAWAY again and again does not end the caller's process", async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  const server = createServer();
  server.on("stream", (stream) => {
    const { session } = stream;
    stream.respond(
      { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "5" },
      { endStream: true },
    );
    stream.once("close", () => setImmediate(() => session?.destroyed || session?.goaway(0, 2 ** 31 - 1)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = createClient({ address: `http://127.0.0.1:${port}`, batching: false, retries: false });
  for (let calls = 0; calls < 300; calls++) {
    await client.get("k").catch(() => {});
    await new Promise((resolve) => (calls % 3 === 0 ? setTimeout(resolve, calls % 4) : setImmediate(resolve)));
  }
  client.close();
  server.close();
  process.off("uncaughtException", note);
  assert.equal(uncaught, []);
});

test.run();
