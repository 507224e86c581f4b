import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import * as assert from "uvu/assert";
import { encloseMessage } from "../../common/envelope.js";
import { suite } from "../../server/test/support/suite.js";
import { createClient } from "../src/index.js";
import { KeyValueService, ScanResponseSchema } from "../src/schema.js";
import { errorOf } from "./support/error-of.js";

const test = suite("streams that break");
const all = Array.from({ length: 9 }, (_, n) => `k${n}`);
const twice = { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1 };
const lost = () => new ConnectError("the connection was lost", Code.Unavailable);

/** A service whose streams bring no more than so many results, and then break; and what was asked for. */
function startBreaking(most: number) {
  const asked: string[] = [];
  const missing = { case: "missing", value: {} } as const;
  const transport = createRouterTransport(({ service }) => {
    service(KeyValueService, {
      async *mGet({ keys }) {
        asked.push(keys.join());
        for (const [index, key] of keys.entries()) {
          if (index === most) {
            throw lost();
          }
          yield { results: [{ index, key, result: missing }] };
        }
      },
      async *scan({ cursor }) {
        asked.push(cursor);
        const from = cursor === "" ? 0 : all.indexOf(cursor) + 1;
        for (const key of all.slice(from, from + most)) {
          yield {
            results: [{ key, result: { case: "entry", value: { data: { case: "counter", value: 1n } } } }],
            cursor: key,
          };
        }
        if (from + most < all.length) {
          throw lost();
        }
      },
    });
  });
  return { client: createClient({ transport, retries: twice }), asked };
}

test("an mget that gets further each time goes on, however often its stream breaks", async () => {
  for (const order of ["arrival", "request"] as const) {
    const { client, asked } = startBreaking(1);
    const seen: string[] = [];
    for await (const { index, key, entry } of client.mget(all, { order })) {
      seen.push(`${index} ${key} ${entry}`);
    }
    assert.equal(
      seen,
      all.map((key, n) => `${n} ${key} undefined`),
    );
    assert.equal(
      asked,
      all.map((_, n) => all.slice(n).join()),
    );
    client.close();
  }
});

test("a scan that gets further each time goes on, however often its stream breaks", async () => {
  const { client, asked } = startBreaking(1);
  const seen: string[] = [];
  for await (const { key } of client.scan()) {
    seen.push(key);
  }
  assert.equal(seen, all);
  assert.equal(asked, ["", ...all.slice(0, -1)]);
  client.close();
});

test("a stream that gets no further is given up after as many attempts as are allowed", async () => {
  const { client, asked } = startBreaking(0);
  assert.is((await errorOf(client.mget(all).toMap())).reason, "UNREACHABLE");
  assert.is(asked.length, 2);
  assert.is((await errorOf(client.scan().pages()[Symbol.asyncIterator]().next())).reason, "UNREACHABLE");
  assert.is(asked.length, 4);
  client.close();
});

test("an answer that is no answer to what was asked is an error of the service, not of whoever asks", async () => {
  const missing = { case: "missing", value: {} } as const;
  const answers: [RegExp, { index: number; key: string; result: typeof missing }[]][] = [
    [/left 9 of 9 keys unanswered/, []],
    [/left 8 of 9 keys unanswered/, [{ index: 0, key: "k0", result: missing }]],
    [/duplicate position 0 of 9/, [0, 0].map((index) => ({ index, key: "k0", result: missing }))],
    [/invalid or duplicate position 9 of 9/, [{ index: 9, key: "k9", result: missing }]],
  ];
  for (const [message, results] of answers) {
    const transport = createRouterTransport(({ service }) => {
      service(KeyValueService, {
        async *mGet() {
          yield { results };
        },
      });
    });
    const client = createClient({ transport, retries: twice });
    const error = await errorOf(client.mget(all).toMap());
    assert.is(error.code, Code.Internal);
    assert.match(error.message, message);
    client.close();
  }
});

test("a scan whose last message is cut is not taken for whole, though its server says that all is well", async () => {
  const page = encloseMessage(toBinary(ScanResponseSchema, create(ScanResponseSchema, { cursor: "more to come" })));
  let bytes = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/grpc+proto" });
    response.addTrailers({ "grpc-status": "0" });
    response.end(Buffer.concat([page, page.subarray(0, bytes)]));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = createClient({ address: `http://127.0.0.1:${port}`, retries: false });
  const read = async () => {
    for await (const _ of client.scan().pages()) {
      // What counts is how it ends.
    }
  };
  try {
    await read();
    // In its head, and in its last byte.
    for (bytes of [3, page.length - 1]) {
      assert.match((await errorOf(read())).message, "premature end of a message");
    }
  } finally {
    client.close();
    server.close();
  }
});

test.run();
