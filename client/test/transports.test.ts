import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import {
  BadRequestSchema,
  type ClientOptions,
  Code,
  ConnectError,
  createClient,
  type DynakvClient,
  durationMs,
  ErrorReason,
  getErrorDetail,
  type Interceptor,
  Outcome,
  RetryInfoSchema,
} from "../src/index.js";
import { type FakeServer, keys, startFakeServer } from "./support/fake-server.js";
import { settled, waitUntil } from "./support/wait-until.js";

type SharedOptions = Pick<ClientOptions, "interceptors" | "defaultTimeoutMs">;
type CreateClient = (server: FakeServer, options?: SharedOptions) => DynakvClient;

const transports: Record<string, CreateClient> = {
  "the defaults": ({ http2Url: baseUrl }, options) => createClient({ baseUrl, ...options }),
  "Connect over HTTP/1.1": ({ http1Url: baseUrl }, options) =>
    createClient({ baseUrl, protocol: "connect", httpVersion: "1.1", ...options }),
  gRPC: ({ http2Url: baseUrl }, options) => createClient({ baseUrl, protocol: "grpc", ...options }),
  "gRPC-web over HTTP/2": ({ http2Url: baseUrl }, options) =>
    createClient({ baseUrl, protocol: "grpc-web", ...options }),
  "gRPC-web over HTTP/1.1": ({ http1Url: baseUrl }, options) =>
    createClient({ baseUrl, protocol: "grpc-web", httpVersion: "1.1", ...options }),
  "grpc-js": ({ address }, options) => createGrpcJsClient({ address, ...options }),
};

for (const [name, create] of Object.entries(transports)) {
  testTransport(name, create);
}

function testTransport(name: string, create: CreateClient): void {
  const test = suite(name);
  let server: FakeServer;
  let client: DynakvClient;

  test.before.each(async () => {
    server = await startFakeServer();
    client = create(server);
  });

  test.after.each(async () => {
    try {
      client.close();
      await waitUntil("no connection is left after close", () => server.connections() === 0);
    } finally {
      await server.stop();
    }
  });

  test("every byte goes in and comes out as a plain Uint8Array", async () => {
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    assert.is((await client.set({ key: "bytes", value })).etag, "1");
    const { entry } = await client.get({ key: "bytes" });
    assert.equal(entry?.data, { case: "value", value });
    assert.is(Object.getPrototypeOf(entry?.data.value), Uint8Array.prototype);
  });

  test("an empty value is a value, and a missing key has no entry", async () => {
    await client.set({ key: "empty", value: new Uint8Array(0) });
    assert.equal((await client.get({ key: "empty" })).entry?.data, { case: "value", value: new Uint8Array(0) });
    assert.is((await client.get({ key: "missing" })).entry, undefined);
  });

  test("a value of 400,000 bytes comes out the same", async () => {
    const value = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) % 251);
    await client.set({ key: "large", value });
    assert.equal((await client.get({ key: "large" })).entry?.data.value, value);
  });

  test("a counter keeps all 64 bits", async () => {
    for (const delta of [9007199254740993n, -9223372036854775808n, 9223372036854775807n]) {
      assert.is((await client.incr({ key: "counter", delta })).value, delta);
    }
  });

  test("delete and getInfo answer", async () => {
    await client.set({ key: "gone", value: new Uint8Array(1) });
    assert.is((await client.delete({ key: "gone" })).existed, true);
    assert.is((await client.delete({ key: "gone" })).existed, false);
    assert.is((await client.getInfo({})).version, "fake");
  });

  test("mGet streams a result for each position", async () => {
    await client.set({ key: "a", value: Uint8Array.of(1) });
    const results = await readAll(client, ["a", "b", "a"]);
    assert.equal(
      results.map(({ index, key, result }) => [index, key, result.case]),
      [
        [0, "a", "entry"],
        [1, "b", "missing"],
        [2, "a", "entry"],
      ],
    );
    assert.equal(await readAll(client, []), []);
  });

  test("an error brings its code, message, metadata and details", async () => {
    for (const call of [() => client.get({ key: keys.conflict }), () => readAll(client, [keys.conflict])]) {
      const error = await errorOf(call());
      assert.is(error.code, Code.Aborted);
      assert.is(error.rawMessage, "the etag differs: 100 % of it");
      assert.is(error.metadata.get("from-error"), "e");
      const detail = getErrorDetail(error);
      assert.is(detail?.reason, ErrorReason.ETAG_MISMATCH);
      assert.is(detail?.outcome, Outcome.NOT_APPLIED);
      assert.is(detail?.currentEtag, "2");
      assert.is(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "condition.if_etag");
      const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
      assert.is(delay === undefined ? undefined : durationMs(delay), 3000);
    }
  });

  test("an error in the middle of a stream ends it with its details", async () => {
    const seen: number[] = [];
    const error = await errorOf(
      (async () => {
        for await (const { results } of client.mGet({ keys: ["a", "b", keys.broken, "c"] })) {
          seen.push(...results.map(({ index }) => index));
        }
      })(),
    );
    assert.is(getErrorDetail(error)?.reason, ErrorReason.ETAG_MISMATCH);
    // grpc-js drops what was not read when an error comes, so there may be less.
    assert.equal(seen, [0, 1].slice(0, seen.length));
  });

  test("a deadline reaches the server and ends the call", async () => {
    for (const call of [
      () => client.get({ key: keys.silent }, { timeoutMs: 300 }),
      () => readAll(client, [keys.silent], { timeoutMs: 300 }),
    ]) {
      const before = server.observed.ended.length;
      const error = await errorOf(call());
      assert.is(error.code, Code.DeadlineExceeded);
      assert.ok((server.observed.timeoutMs ?? Number.POSITIVE_INFINITY) <= 300);
      await waitUntil("the call ended at the server", () => server.observed.ended.length === before + 1);
    }
  });

  test("the default timeout holds, unless a call lifts it", async () => {
    const hurried = create(server, { defaultTimeoutMs: 60_000 });
    await hurried.get({ key: "a" });
    assert.ok((server.observed.timeoutMs ?? 0) > 50_000);
    await hurried.get({ key: "a" }, { timeoutMs: 0 });
    assert.is(server.observed.timeoutMs, undefined);
    hurried.close();
  });

  test("an aborted signal cancels the call at the server", async () => {
    for (const call of [
      (signal: AbortSignal) => client.get({ key: keys.silent }, { signal }),
      (signal: AbortSignal) => readAll(client, ["a", keys.silent], { signal }),
    ]) {
      const before = server.observed.ended.length;
      server.observed.header = new Headers();
      const controller = new AbortController();
      const failed = errorOf(call(controller.signal));
      await waitUntil("the call arrived", () => server.observed.header.has("content-type"));
      controller.abort();
      assert.is((await failed).code, Code.Canceled);
      await waitUntil("the call ended at the server", () => server.observed.ended.length === before + 1);
    }
  });

  test("a signal that was aborted before sends nothing", async () => {
    const options = { signal: AbortSignal.abort() };
    assert.is((await errorOf(client.get({ key: "a" }, options))).code, Code.Canceled);
    assert.is((await errorOf(readAll(client, ["a"], options))).code, Code.Canceled);
    assert.is(server.observed.header.has("content-type"), false);
  });

  test("leaving the loop cancels the stream at the server", async () => {
    for await (const { results } of client.mGet({ keys: [keys.endless] })) {
      assert.is(results[0]?.key, keys.endless);
      break;
    }
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("an error in the loop cancels the stream at the server", async () => {
    const thrown = new Error("the consumer's own");
    const consume = async () => {
      for await (const _ of client.mGet({ keys: [keys.endless] })) {
        throw thrown;
      }
    };
    assert.is(await consume().catch((error: unknown) => error), thrown);
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("returning a stream cancels the read that is pending", async () => {
    const results = client.mGet({ keys: [keys.silent] })[Symbol.asyncIterator]();
    const pending = errorOf(results.next());
    await waitUntil("the call arrived", () => server.observed.header.has("content-type"));
    assert.equal(await results.return?.(), { done: true, value: undefined });
    assert.is((await pending).code, Code.Canceled);
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("a stream that nobody reads is not asked for", async () => {
    client.mGet({ keys: [keys.conflict] });
    await client.get({ key: "a" });
    assert.is(server.observed.produced, 0);
    assert.is(server.observed.ended.length, 0);
  });

  test("a slow reader slows the server", async () => {
    for await (const _ of client.mGet({ keys: [keys.endless] })) {
      const produced = await settled(() => server.observed.produced);
      // 64 KiB each: a few fill the windows and buffers in between.
      assert.ok(produced < 1000, `${produced} messages were made for a reader of one`);
      break;
    }
  });

  test("a call leaves no listener on the caller's signal", async () => {
    const { signal } = new AbortController();
    const listeners = { added: 0, removed: 0 };
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners.added++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners.removed++;
      remove(...args);
    };
    await client.get({ key: "a" }, { signal });
    await readAll(client, ["a"], { signal });
    await errorOf(client.get({ key: keys.conflict }, { signal }));
    await errorOf(readAll(client, [keys.conflict], { signal }));
    for await (const _ of client.mGet({ keys: ["a", "b"] }, { signal })) {
      break;
    }
    assert.is(listeners.added, 5);
    assert.is(listeners.removed, 5);
  });

  test("headers go both ways, binary ones too", async () => {
    let header = new Headers();
    let trailer = new Headers();
    const options = {
      headers: { "x-text": "one, two", "x-data-bin": "AAEC/w" },
      onHeader(received: Headers) {
        header = received;
      },
      onTrailer(received: Headers) {
        trailer = received;
      },
    };
    for (const call of [() => client.get({ key: "a" }, options), () => readAll(client, ["a"], options)]) {
      header = new Headers();
      trailer = new Headers();
      await call();
      assert.is(server.observed.header.get("x-text"), "one, two");
      assert.is(server.observed.header.get("x-data-bin")?.replace(/=+$/, ""), "AAEC/w");
      assert.is(header.get("from-header"), "h");
      assert.is(header.get("from-header-bin"), "AAH/");
      assert.is(trailer.get("from-trailer"), "t");
    }
  });

  test("interceptors see every call, the first one outermost", async () => {
    const seen: string[] = [];
    const record =
      (label: string): Interceptor =>
      (next) =>
      async (req) => {
        seen.push(`${label} ${req.method.name} ${new URL(req.url).pathname.endsWith(req.method.name)}`);
        req.header.set(`x-${label}`, "yes");
        return next(req);
      };
    const intercepted = create(server, { interceptors: [record("outer"), record("inner")] });
    await intercepted.get({ key: "a" });
    await readAll(intercepted, ["a"]);
    assert.equal(seen, ["outer Get true", "inner Get true", "outer MGet true", "inner MGet true"]);
    assert.is(server.observed.header.get("x-inner"), "yes");
    intercepted.close();
  });

  test("close ends the calls that run, and refuses those that come later", async () => {
    const running = [errorOf(client.get({ key: keys.silent })), errorOf(readAll(client, ["a", keys.silent]))];
    await waitUntil("the calls arrived", () => server.observed.header.has("content-type"));
    client.close();
    client.close();
    for (const error of await Promise.all(running)) {
      assert.is(error.code, Code.Canceled);
      assert.is(error.rawMessage, "the client is closed");
    }
    assert.is((await errorOf(client.get({ key: "a" }))).code, Code.Canceled);
    assert.is((await errorOf(readAll(client, ["a"]))).code, Code.Canceled);
  });

  test("close in the moment of a call leaves no connection", async () => {
    await client.get({ key: "a" });
    const call = errorOf(client.get({ key: "a" }));
    client.close();
    assert.is((await call).code, Code.Canceled);
  });

  test("a server that is not there is UNAVAILABLE, without a detail", async () => {
    await server.stop();
    for (const call of [() => client.get({ key: "a" }), () => readAll(client, ["a"])]) {
      const error = await errorOf(call());
      assert.is(error.code, Code.Unavailable);
      assert.is(getErrorDetail(error), undefined);
    }
    server = await startFakeServer();
  });

  test("many calls run at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => client.incr({ key: "counter", delta: BigInt(index) })),
    );
    assert.equal(
      answers.map(({ value }) => Number(value)),
      Array.from({ length: 200 }, (_, index) => index),
    );
  });

  test.run();
}

async function readAll(client: DynakvClient, keys: string[], options?: Parameters<DynakvClient["mGet"]>[1]) {
  const all = [];
  for await (const { results } of client.mGet({ keys }, options)) {
    all.push(...results);
  }
  return all;
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    assert.instance(error, ConnectError);
    return ConnectError.from(error);
  }
  throw new Error("the call should have failed");
}
