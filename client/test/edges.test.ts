import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { z } from "zod";
import { type GuardedServers, startGuardedServers } from "../../server/test/support/guarded-servers.js";
import { suite } from "../../server/test/support/suite.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { Code, createClient, type DynakvClient, json, SchemaError, type SharedOptions } from "../src/index.js";
import { KeyValueService } from "../src/schema.js";
import { createClient as createWebClient } from "../src/web.js";
import { errorOf } from "./support/error-of.js";
import { type FakeServer, keys, startFakeServer } from "./support/fake-server.js";

const test = suite("edges");
const value = new Uint8Array(1);

type Create = (address: string, options?: SharedOptions) => DynakvClient;
const overHttp2: Record<string, Create> = {
  gRPC: (address, options) => createClient({ address, ...options }),
  "gRPC with interceptors": (address, options) => createClient({ address, interceptors: [(next) => next], ...options }),
  Connect: (address, options) => createClient({ address, protocol: "connect", ...options }),
  "gRPC-web": (address, options) => createClient({ address, protocol: "grpc-web", ...options }),
  "grpc-js": (address, options) => createGrpcJsClient({ address, ...options }),
};
const overHttp1: Record<string, Create> = {
  "Connect over HTTP/1.1": (address, options) => createClient({ address, httpVersion: "1.1", ...options }),
  "gRPC-web over HTTP/1.1": (address, options) =>
    createClient({ address, httpVersion: "1.1", protocol: "grpc-web", ...options }),
  "Connect by fetch": (address, options) => createWebClient({ address, ...options }),
  "gRPC-web by fetch": (address, options) => createWebClient({ address, protocol: "grpc-web", ...options }),
};
const ways = { ...overHttp2, ...overHttp1 };

let fake: FakeServer;
let guarded: GuardedServers;

test.before(async () => {
  fake = await startFakeServer();
  guarded = await startGuardedServers({
    tokens: { a: {} },
    policy: { rules: [{ identities: ["token:a"], rights: ["read"], prefixes: [""] }] },
  });
});

test.after(async () => {
  await fake.stop();
  await guarded.stop();
});

for (const [name, create] of Object.entries(ways)) {
  const url = () => (name in overHttp1 ? fake.http1Url : fake.http2Url);

  test(`${name}: a deadline that has passed is DEADLINE_EXCEEDED, whatever its cause`, async () => {
    const client = create(url(), { retries: false });
    for (let n = 0; n < 60; n++) {
      const calls = [
        client.get(keys.silent, { timeoutMs: 5 + (n % 10), headers: { alone: "1" } }),
        client.get(keys.silent, { signal: AbortSignal.timeout(5 + (n % 10)) }),
      ];
      for (const error of await Promise.all(calls.map(errorOf))) {
        assert.equal([error.reason, error.code], ["DEADLINE_EXCEEDED", Code.DeadlineExceeded]);
      }
    }
    client.close();
  });

  test(`${name}: the path of the address stands before that of each method`, async () => {
    const handler = connectNodeAdapter({
      requestPathPrefix: "/team/kv",
      routes({ service }) {
        service(KeyValueService, {
          get: () => ({}),
          set: () => ({ etag: "e" }),
          async *mGet() {
            yield { results: [{ index: 0, key: "a", result: { case: "missing", value: {} } }] };
          },
        });
      },
    });
    const server = name in overHttp1 ? http.createServer(handler) : http2.createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const path of ["/team/kv", "/team/kv/"]) {
      const client = create(`http://${host}${path}`, { retries: false });
      assert.is((await client.set("a", value)).etag, "e");
      assert.is(await client.get("a"), undefined);
      assert.is((await client.mget(["a"]).toMap()).size, 0);
      assert.is((await client.generated.keyValue.get({ key: "a" })).entry, undefined);
      client.close();
    }
    if ("closeAllConnections" in server) {
      server.closeAllConnections();
    }
    await new Promise((resolve) => server.close(resolve));
  });

  if (!name.endsWith("fetch")) {
    test(`${name}: https: to a plain port, and http: to one with TLS, say so, and nothing was applied`, async () => {
      const toPlain = create(guarded.plain.replace("http:", "https:"), { retries: false });
      const toSecure = create(guarded.secure.replace("https:", "http:"), { retries: false });
      const [plain, secure] = await Promise.all([toPlain, toSecure].map((client) => errorOf(client.set("k", value))));
      assert.match(plain?.message ?? "", /use an http: address/);
      assert.match(secure?.message ?? "", /use an https: address/);
      assert.equal([plain?.reason, plain?.outcome], ["UNREACHABLE", "NOT_APPLIED"]);
      assert.is(secure?.reason, "UNREACHABLE");
      toPlain.close();
      toSecure.close();
    });
  }
}

function lastly(failure: () => unknown): { client: DynakvClient; attempts: () => number } {
  let attempts = 0;
  const transport = createRouterTransport(({ service }) => {
    service(KeyValueService, { set: () => ({ etag: "e" }) });
  });
  const failing: Transport = {
    ...transport,
    async unary(...call) {
      if (++attempts <= 2) {
        throw failure();
      }
      return transport.unary(...call);
    },
  };
  return { client: createClient({ transport: failing, retries: { baseDelayMs: 1 } }), attempts: () => attempts };
}

const refused = (syscall = "connect") => Object.assign(new Error("connect ETIMEDOUT"), { code: "ETIMEDOUT", syscall });

test("a host of which no address can be connected to was sent nothing", async () => {
  for (const wrap of [
    (errors: Error[]) => new AggregateError(errors),
    (errors: Error[]) => new ConnectError("", Code.Internal, undefined, undefined, new AggregateError(errors)),
    (errors: Error[]) => new Error("fetch failed", { cause: new AggregateError(errors) }),
    (errors: Error[]) => new AggregateError([new AggregateError(errors), refused()]),
  ]) {
    const { client, attempts } = lastly(() => wrap([refused(), refused()]));
    assert.is((await client.set("k", value)).etag, "e");
    assert.is(attempts(), 3);
  }
});

test("of several causes each has to be one of connecting", async () => {
  const { client, attempts } = lastly(() => new AggregateError([refused(), refused("read")]));
  const error = await errorOf(client.set("k", value));
  assert.equal([error.reason, error.outcome, attempts()], ["UNREACHABLE", "UNKNOWN", 1]);
});

test("a write whose answer is lost with a connection that had served another is unknown, and not sent again", async () => {
  const routes = connectNodeAdapter({
    routes: ({ service }) => service(KeyValueService, { set: () => ({ etag: "e" }) }),
  });
  let calls = 0;
  const server = http.createServer((request, response) => {
    if (++calls === 1) {
      routes(request, response);
    } else {
      request.resume().once("end", () => request.socket.destroy());
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seen: unknown[] = [];
  for (const [way, create] of Object.entries(overHttp1)) {
    calls = 0;
    const client = create(address, { retries: { maxAttempts: 2, baseDelayMs: 1 } });
    await client.set("k", value);
    const error = await client.set("k", value).catch((reason) => reason);
    seen.push([way, error.reason, error.outcome, calls]);
    client.close();
  }
  server.closeAllConnections();
  server.close();
  assert.equal(
    seen,
    Object.keys(overHttp1).map((way) => [way, "UNREACHABLE", "UNKNOWN", 2]),
  );
});

test("what a schema refuses carries its issues, both ways", async () => {
  const client = createClient({ address: fake.http2Url });
  const users = client.keyspace("user:", json(z.object({ name: z.string(), age: z.number() })));
  const wrong = { name: 5, age: "x" } as unknown as { name: string; age: number };
  const error = await users.set("a", wrong).catch((cause: unknown) => cause);
  assert.instance(error, SchemaError);
  assert.instance(error, TypeError);
  assert.equal(
    (error as SchemaError).issues.map(({ path }) => path),
    [["name"], ["age"]],
  );
  await client.set("user:a", Buffer.from('{"name":5}'));
  const unread = await errorOf(users.get("a"));
  assert.equal([unread.reason, unread.issues?.length], ["UNDECODABLE", 2]);
  client.close();
});

test("what onHeader throws comes out, once", async () => {
  const client = createClient({ address: fake.http2Url });
  let calls = 0;
  const onHeader = () => {
    calls++;
    throw Object.assign(new Error("the caller's own"), { code: "ECONNRESET" });
  };
  assert.match(String(await client.get("a", { onHeader }).catch(String)), "the caller's own");
  const error = await errorOf(client.mget(["a"], { onHeader }).toMap());
  assert.equal([error.reason, error.message, calls], ["CANCELED", "the caller's own", 2]);
  client.close();
});

test.run();
