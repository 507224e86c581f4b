import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { settled, waitUntil, withLongEnoughDeadline } from "../../server/test/support/wait-until.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import {
  type ClientOptions,
  Code,
  createClient,
  type DynakvClient,
  type Interceptor,
  type MGetOptions,
} from "../src/index.js";
import { errorOf } from "./support/error-of.js";
import { type FakeServer, keys, startFakeServer } from "./support/fake-server.js";

type SharedOptions = Pick<ClientOptions, "interceptors" | "defaultTimeoutMs" | "retries" | "token">;
type CreateClient = (server: FakeServer, options?: SharedOptions) => DynakvClient;

const transports: Record<string, CreateClient> = {
  "the defaults": ({ http2Url: address }, options) => createClient({ address, ...options }),
  "Connect over HTTP/1.1": ({ http1Url: address }, options) =>
    createClient({ address, protocol: "connect", httpVersion: "1.1", ...options }),
  gRPC: ({ http2Url: address }, options) => createClient({ address, protocol: "grpc", ...options }),
  "gRPC-web over HTTP/2": ({ http2Url: address }, options) =>
    createClient({ address, protocol: "grpc-web", ...options }),
  "gRPC-web over HTTP/1.1": ({ http1Url: address }, options) =>
    createClient({ address, protocol: "grpc-web", httpVersion: "1.1", ...options }),
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
    assert.is((await client.set("bytes", value)).etag, "1");
    const entry = await client.get("bytes");
    assert.equal(bytesOf(entry), value);
    assert.is(Object.getPrototypeOf(bytesOf(entry)), Uint8Array.prototype);
  });

  test("an empty value is a value, and a missing key has no entry", async () => {
    await client.set("empty", new Uint8Array(0));
    assert.equal(bytesOf(await client.get("empty")), new Uint8Array(0));
    assert.is(await client.get("missing"), undefined);
  });

  test("a value of 400,000 bytes comes out the same", async () => {
    const value = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) % 251);
    await client.set("large", value);
    assert.equal(bytesOf(await client.get("large")), value);
  });

  test("a counter keeps all 64 bits", async () => {
    for (const delta of [9007199254740993n, -9223372036854775808n, 9223372036854775807n]) {
      assert.is(await client.incr("counter", { delta }), delta);
    }
  });

  test("delete, touch and info answer", async () => {
    await client.set("gone", new Uint8Array(1));
    assert.is(await client.touch("gone", "never"), true);
    assert.is(await client.delete("gone"), true);
    assert.is(await client.delete("gone"), false);
    assert.is((await client.info()).version, "fake");
  });

  test("mget brings a result for each position", async () => {
    await client.set("a", Uint8Array.of(1));
    const results = await readAll(client, ["a", "b", "a"]);
    assert.equal(
      results.map(({ index, key, entry }) => [index, key, entry?.kind]),
      [
        [0, "a", "value"],
        [1, "b", undefined],
        [2, "a", "value"],
      ],
    );
    assert.equal(await readAll(client, []), []);
  });

  test("an error brings all that the server says", async () => {
    for (const call of [() => client.get(keys.conflict), () => readAll(client, [keys.conflict])]) {
      const error = await errorOf(call());
      assert.is(error.code, Code.Aborted);
      assert.is(error.message, "the etag differs: 100 % of it");
      assert.equal([error.reason, error.outcome, error.retryable], ["ETAG_MISMATCH", "NOT_APPLIED", false]);
      assert.equal([error.currentEtag, error.field, error.retryAfterMs], ["2", "condition.if_etag", 3000]);
    }
  });

  test("an error in the middle of a stream ends it", async () => {
    const seen: number[] = [];
    const error = await errorOf(
      (async () => {
        for await (const { index } of client.mget(["a", "b", keys.broken, "c"])) {
          seen.push(index);
        }
      })(),
    );
    assert.is(error.reason, "ETAG_MISMATCH");
    // grpc-js drops what was not read when an error comes, so there may be less.
    assert.equal(seen, [0, 1].slice(0, seen.length));
  });

  test("a deadline reaches the server and ends the call", async () => {
    for (const call of [
      (timeoutMs: number) => client.get(keys.silent, { timeoutMs }),
      (timeoutMs: number) => readAll(client, [keys.silent], { timeoutMs }),
    ]) {
      await withLongEnoughDeadline(async (timeoutMs) => {
        const before = server.observed.ended.length;
        server.observed.timeoutMs = undefined;
        const error = await errorOf(call(timeoutMs));
        assert.is(error.code, Code.DeadlineExceeded);
        if (server.observed.timeoutMs === undefined) {
          return false;
        }
        assert.ok(server.observed.timeoutMs <= timeoutMs);
        // One that was given up before may have come late.
        await waitUntil("the call ended at the server", () => server.observed.ended.length > before);
        return true;
      });
    }
  });

  test("the default timeout holds, unless a call lifts it", async () => {
    const hurried = create(server, { defaultTimeoutMs: 60_000 });
    await hurried.get("a");
    assert.ok((server.observed.timeoutMs ?? 0) > 50_000);
    await hurried.get("a", { timeoutMs: 0 });
    assert.is(server.observed.timeoutMs, undefined);
    hurried.close();
  });

  test("an aborted signal cancels the call at the server", async () => {
    for (const call of [
      (signal: AbortSignal) => client.get(keys.silent, { signal }),
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
    assert.is((await errorOf(client.get("a", options))).code, Code.Canceled);
    assert.is((await errorOf(readAll(client, ["a"], options))).code, Code.Canceled);
    assert.is(server.observed.header.has("content-type"), false);
  });

  test("leaving the loop cancels the stream at the server", async () => {
    for await (const { key } of client.mget([keys.endless, "a"])) {
      assert.is(key, keys.endless);
      break;
    }
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("an error in the loop cancels the stream at the server", async () => {
    const thrown = new Error("the consumer's own");
    const consume = async () => {
      for await (const _ of client.mget([keys.endless, "a"])) {
        throw thrown;
      }
    };
    assert.is(await consume().catch((error: unknown) => error), thrown);
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("returning a stream cancels the read that is pending", async () => {
    const results = client.mget([keys.silent])[Symbol.asyncIterator]();
    const pending = errorOf(results.next());
    await waitUntil("the call arrived", () => server.observed.header.has("content-type"));
    assert.equal(await results.return?.(), { done: true, value: undefined });
    assert.is((await pending).code, Code.Canceled);
    await waitUntil("the call ended at the server", () => server.observed.ended.length === 1);
  });

  test("a stream that nobody reads is not asked for", async () => {
    client.mget([keys.conflict]);
    await client.get("a");
    assert.is(server.observed.produced, 0);
    assert.is(server.observed.ended.length, 0);
  });

  test("a slow reader slows the server", async () => {
    for await (const _ of client.mget([keys.endless, "a"])) {
      const produced = await settled(() => server.observed.produced);
      // 64 KiB each: a few fill the windows and buffers in between.
      assert.ok(produced < 200, `${produced} messages were made for a reader of one`);
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
    await client.get("a", { signal });
    await readAll(client, ["a"], { signal });
    await errorOf(client.get(keys.conflict, { signal }));
    await errorOf(readAll(client, [keys.conflict], { signal }));
    for await (const _ of client.mget(["a", "b"], { signal })) {
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
    for (const call of [() => client.get("a", options), () => readAll(client, ["a"], options)]) {
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
    await intercepted.get("a");
    await readAll(intercepted, ["a"]);
    assert.equal(seen, ["outer Get true", "inner Get true", "outer MGet true", "inner MGet true"]);
    assert.is(server.observed.header.get("x-inner"), "yes");
    intercepted.close();
  });

  test("close ends the calls that run, and refuses those that come later", async () => {
    const running = [errorOf(client.get(keys.silent)), errorOf(readAll(client, ["a", keys.silent]))];
    await waitUntil("the calls arrived", () => server.observed.header.has("content-type"));
    client.close();
    client.close();
    for (const error of await Promise.all(running)) {
      assert.is(error.code, Code.Canceled);
      assert.is(error.message, "the client is closed");
    }
    assert.is((await errorOf(client.get("a"))).code, Code.Canceled);
    assert.is((await errorOf(readAll(client, ["a"]))).code, Code.Canceled);
  });

  test("close in the moment of a call leaves no connection", async () => {
    await client.get("a");
    const call = errorOf(client.get("a"));
    client.close();
    assert.is((await call).code, Code.Canceled);
  });

  test("a server that is not there is UNREACHABLE, and nothing was applied", async () => {
    await server.stop();
    const impatient = create(server, { retries: false });
    for (const call of [() => impatient.get("a"), () => readAll(impatient, ["a"])]) {
      const error = await errorOf(call());
      assert.equal([error.code, error.reason, error.outcome], [Code.Unavailable, "UNREACHABLE", undefined]);
    }
    const failure = await errorOf(impatient.set("a", new Uint8Array(1)));
    assert.equal([failure.reason, failure.outcome, failure.retryable], ["UNREACHABLE", "NOT_APPLIED", true]);
    impatient.close();
    server = await startFakeServer();
  });

  test("a token goes with every call, and can be renewed", async () => {
    let renewed = 0;
    const known = create(server, { token: async () => `t${++renewed}` });
    await known.get("a");
    assert.is(server.observed.header.get("authorization"), "Bearer t1");
    await readAll(known, ["a"]);
    assert.is(server.observed.header.get("authorization"), "Bearer t2");
    await known.generated.keyValue.get({ key: "a" });
    assert.is(server.observed.header.get("authorization"), "Bearer t3");
    known.close();
    assert.throws(() => create(server, { token: "secret\nsecond" }), /^token must be one word of ASCII, not a string/);
    const broken = create(server, { token: () => "secret\nsecond" });
    const error = await errorOf(broken.set("a", new Uint8Array(1)));
    assert.match(error.message, /^the token must be one word of ASCII/);
    assert.is(error.outcome, "NOT_APPLIED");
    broken.close();
  });

  test("many calls run at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => client.incr(`counter-${index}`, { delta: BigInt(index) })),
    );
    assert.equal(
      answers.map(Number),
      Array.from({ length: 200 }, (_, index) => index),
    );
  });

  test.run();
}

async function readAll(client: DynakvClient, keys: string[], options?: MGetOptions) {
  const all = [];
  for await (const result of client.mget(keys, options)) {
    all.push(result);
  }
  return all;
}

function bytesOf(entry: Awaited<ReturnType<DynakvClient["get"]>>): Uint8Array | undefined {
  return entry?.kind === "value" ? entry.value : undefined;
}
