import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { createClient } from "../src/index.js";

const test = suite("flow control");

test("a client takes messages of an mget without a round trip for each 64 KiB", async () => {
  const windows: [stream: number | undefined, connection: number | undefined][] = [];
  const server = createServer();
  server.on("stream", (stream) => {
    const { session } = stream;
    windows.push([session?.remoteSettings.initialWindowSize, session?.state.remoteWindowSize]);
    stream.respond(
      { ":status": 200, "content-type": "application/grpc+proto", "grpc-status": "5" },
      { endStream: true },
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = createClient({ address: `http://127.0.0.1:${port}`, batching: false, retries: false });
  await client.get("k").catch(() => {});
  client.close();
  server.close();
  assert.equal(windows, [[256 * 1024, 1024 * 1024]]);
});

test.run();
