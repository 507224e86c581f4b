import { randomBytes } from "node:crypto";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { suite } from "../../server/test/support/suite.js";
import { settled, waitUntil } from "../../server/test/support/wait-until.js";
import { createGrpcJsTransport, type GrpcJsTransport } from "../src/grpc-js.js";

// Reflection stands for any service whose streams go both ways.
const test = suite("grpc-js, with streams of requests");
const received: string[] = [];
let ended = 0;
/** How many answers to "endless" were made. */
let made = 0;
const megabyte = randomBytes(500_000).toString("hex");
let server: http2.Http2Server;
let transport: GrpcJsTransport;

test.before(async () => {
  server = http2.createServer(
    connectNodeAdapter({
      routes({ service }) {
        service(ServerReflection, {
          async *serverReflectionInfo(requests, { signal }) {
            signal.addEventListener("abort", () => ended++);
            for await (const { host } of requests) {
              received.push(host);
              while (host === "endless" && !signal.aborted) {
                made++;
                yield { validHost: megabyte };
              }
              if (host === "leave") {
                return;
              }
              yield { validHost: host };
            }
          },
        });
      },
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  transport = createGrpcJsTransport({ address: `127.0.0.1:${port}` });
});

test.before.each(() => {
  received.length = 0;
  ended = 0;
  made = 0;
});

test.after(async () => {
  transport.close();
  await new Promise((resolve) => server.close(resolve));
});

const request = (host: string): ServerReflectionRequest => create(ServerReflectionRequestSchema, { host });

test("requests and answers alternate", async () => {
  let answered: () => void = () => {};
  async function* ask() {
    for (const host of ["a", "b", "c"]) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      yield request(host);
      await answer;
    }
  }
  const hosts: string[] = [];
  for await (const { validHost } of createClient(ServerReflection, transport).serverReflectionInfo(ask())) {
    hosts.push(validHost);
    answered();
  }
  assert.equal(hosts, ["a", "b", "c"]);
});

test("many requests at once all arrive, in order", async () => {
  const wanted = Array.from({ length: 2000 }, (_, index) => `${index}`);
  async function* ask() {
    yield* wanted.map(request);
  }
  const hosts: string[] = [];
  for await (const { validHost } of createClient(ServerReflection, transport).serverReflectionInfo(ask())) {
    hosts.push(validHost);
  }
  assert.equal(hosts, wanted);
});

test("a reader that pauses holds one message, and hears of the end all the same", async () => {
  async function* ask() {
    yield request("endless");
  }
  const readers = Array.from({ length: 5 }, async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const answers = createClient(ServerReflection, transport).serverReflectionInfo(ask(), { signal });
    const reader = answers[Symbol.asyncIterator]();
    await reader.next();
    return { controller, reader };
  });
  const started = await Promise.all(readers);
  try {
    const most = await settled(() => made);
    // One read, one held back, and what the windows and buffers in between take.
    assert.ok(most <= 5 * 6, `${most} messages of 1 MB were made for 5 readers of one`);
    for (const { reader } of started) {
      assert.is((await reader.next()).done, false);
    }
  } finally {
    for (const { controller } of started) {
      controller.abort();
    }
  }
  await waitUntil("the calls ended at the server", () => ended === 5);
  for (const { reader } of started) {
    // What was in flight may come before the end.
    const error = await (async () => {
      while (!(await reader.next()).done) {}
    })().catch((cause) => cause);
    assert.is(ConnectError.from(error).code, Code.Canceled);
  }
});

test("a server that ends early ends the stream", async () => {
  async function* ask() {
    yield request("a");
    yield request("leave");
    // Never comes to an end by itself.
    await new Promise(() => {});
  }
  const hosts: string[] = [];
  for await (const { validHost } of createClient(ServerReflection, transport).serverReflectionInfo(ask())) {
    hosts.push(validHost);
  }
  assert.equal(hosts, ["a"]);
});

test("an error of the requests is what the call fails with, and cancels it at the server", async () => {
  async function* ask() {
    yield request("a");
    throw new ConnectError("no more requests", Code.DataLoss);
  }
  try {
    for await (const _ of createClient(ServerReflection, transport).serverReflectionInfo(ask())) {
      // Only the end matters.
    }
    assert.unreachable("the call should have failed");
  } catch (error) {
    assert.is(ConnectError.from(error).code, Code.DataLoss);
  }
  await waitUntil("the call ended at the server", () => ended === 1);
});

test("a header that gRPC cannot carry is an error of the caller's", async () => {
  async function* ask() {
    yield request("a");
  }
  const options = { headers: { "x-text": "\u00e9" } };
  try {
    for await (const _ of createClient(ServerReflection, transport).serverReflectionInfo(ask(), options)) {
      // Only the end matters.
    }
    assert.unreachable("the call should have failed");
  } catch (error) {
    assert.is(ConnectError.from(error).code, Code.InvalidArgument);
    assert.match(ConnectError.from(error).rawMessage, "x-text");
  }
});

test.run();
