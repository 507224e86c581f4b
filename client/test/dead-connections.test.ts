import * as assert from "uvu/assert";
import { keepEventLoopBusy } from "../../server/test/support/busy-loop.js";
import { suite } from "../../server/test/support/suite.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient, type DynakvClient, type SharedOptions } from "../src/index.js";
import { createClient as createWebClient } from "../src/web.js";
import { errorOf } from "./support/error-of.js";
import { type FakeServer, keys, startFakeServer } from "./support/fake-server.js";
import { type FaultyNetwork, startFaultyNetwork } from "./support/faulty-network.js";

const test = suite("dead connections");

/** Short, so that a test waits less than a default deadline; longer than a busy machine stands still. */
const keepAlive = { intervalMs: 300, timeoutMs: 700 };
/** What is to be seen is that calls are answered, however long a busy machine takes. */
const patient: SharedOptions = { keepAlive, defaultTimeoutMs: 60_000, retries: { maxAttempts: 1000 } };

interface Way {
  readonly isHttp1?: boolean;
  create(address: string, options?: SharedOptions): DynakvClient;
}

const ways: Record<string, Way> = {
  "the defaults": { create: (address, options) => createClient({ address, ...patient, ...options }) },
  "gRPC with interceptors": {
    create: (address, options) => createClient({ address, ...patient, interceptors: [(next) => next], ...options }),
  },
  Connect: { create: (address, options) => createClient({ address, protocol: "connect", ...patient, ...options }) },
  "gRPC-web": { create: (address, options) => createClient({ address, protocol: "grpc-web", ...patient, ...options }) },
  "Connect over HTTP/1.1": {
    isHttp1: true,
    create: (address, options) => createClient({ address, httpVersion: "1.1", ...patient, ...options }),
  },
  "gRPC-web over HTTP/1.1": {
    isHttp1: true,
    create: (address, options) =>
      createClient({ address, httpVersion: "1.1", protocol: "grpc-web", ...patient, ...options }),
  },
  "grpc-js": { create: (address, options) => createGrpcJsClient({ address, ...patient, ...options }) },
  fetch: { isHttp1: true, create: (address, options) => createWebClient({ address, ...patient, ...options }) },
};

for (const [name, way] of Object.entries(ways)) {
  const withNetwork = async (
    use: (network: FaultyNetwork, client: DynakvClient, server: FakeServer) => Promise<void>,
    options?: SharedOptions,
  ) => {
    const server = await startFakeServer();
    const network = await startFaultyNetwork(way.isHttp1 ? server.http1Url : server.http2Url);
    const client = way.create(network.url, options);
    try {
      await use(network, client, server);
    } finally {
      client.close();
      await network.stop();
      await server.stop();
    }
  };

  /** Calls that overlap, so that the connection never is without one, until enough came back after the fault. */
  async function callThrough(client: DynakvClient, fault: () => void): Promise<unknown[]> {
    const failures: unknown[] = [];
    let answered = 0;
    let isOver = false;
    const work = async (worker: number) => {
      while (!isOver) {
        try {
          await (worker % 2 === 0 ? client.get(`k${worker}`) : client.incr(`c${worker}`));
          answered++;
        } catch (error) {
          failures.push(error);
        }
        // Never all at the same time.
        await new Promise((resolve) => setTimeout(resolve, 1 + worker));
      }
    };
    const workers = Array.from({ length: 8 }, (_, worker) => work(worker));
    await waitUntil("calls are answered", () => answered > 20);
    fault();
    const before = answered;
    await waitUntil("calls are answered again", () => answered > before + 40, 50_000);
    isOver = true;
    await Promise.all(workers);
    return failures;
  }

  test(`${name}: calls that overlap outlive a peer that falls silent`, () =>
    withNetwork(async (network, client) => {
      assert.equal(await callThrough(client, network.silence), []);
    }));

  test(`${name}: calls that overlap outlive a connection that is reset`, () =>
    withNetwork(async (network, client) => {
      assert.equal(await callThrough(client, network.reset), []);
    }));

  test(`${name}: calls outlive connections that are taken and never answered`, () =>
    withNetwork(async (network, client) => {
      network.swallow(2);
      assert.equal(await Promise.all([client.get("a"), client.incr("c")]), [undefined, 1n]);
    }));

  test(`${name}: an mget without a deadline outlives a peer that falls silent`, () =>
    withNetwork(async (network, client) => {
      await client.get("a");
      const results = client.mget(["a", keys.silent, "b"])[Symbol.asyncIterator]();
      await results.next();
      network.silence();
      const pending = results.next().catch(() => {});
      await waitUntil("it is asked for anew", () => network.opened > 1);
      await results.return?.();
      await pending;
    }));
}

const nobody = new Uint8Array(1);

for (const [name, { create, isHttp1 }] of Object.entries(ways)) {
  // A browser's fetch does not tell.
  if (name === "fetch") {
    continue;
  }
  test(`${name}: a write that never had a connection is not applied`, async () => {
    const server = await startFakeServer();
    const network = await startFaultyNetwork(server.http2Url);
    network.swallow(1000);
    // A connection of TCP is all that there is to know over HTTP/1.1.
    const address = isHttp1 ? network.url.replace("http:", "https:") : network.url;
    const client = create(address, { retries: false });
    try {
      const late = await errorOf(client.set("k", nobody, { timeoutMs: 300 }));
      assert.equal([late.reason, late.outcome], ["DEADLINE_EXCEEDED", "NOT_APPLIED"]);
      const controller = new AbortController();
      const left = errorOf(client.set("k", nobody, { signal: controller.signal }));
      setTimeout(() => controller.abort(), 50);
      assert.equal([(await left).reason, (await left).outcome], ["CANCELED", "NOT_APPLIED"]);
    } finally {
      client.close();
      await network.stop();
      await server.stop();
    }
  });
}

test("a set to a connection that died while it was idle was never sent, and is repeated", async () => {
  const server = await startFakeServer();
  const network = await startFaultyNetwork(server.http2Url);
  const client = createClient({ address: network.url, ...patient, keepAlive: { intervalMs: 1, timeoutMs: 2000 } });
  try {
    await client.set("k", nobody);
    network.silence();
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.is((await client.set("k", nobody)).etag, "1");
  } finally {
    client.close();
    await network.stop();
    await server.stop();
  }
});

test("an event loop that stands still takes no connection for dead", async () => {
  const server = await startFakeServer();
  const network = await startFaultyNetwork(server.http2Url);
  const client = createClient({ address: network.url, keepAlive: { intervalMs: 40, timeoutMs: 40 }, retries: false });
  try {
    await client.get("a");
    const waiting = errorOf(client.get(keys.silent, { timeoutMs: 1500 }));
    // Longer than both limits each turn.
    const rest = keepEventLoopBusy(150);
    assert.is((await waiting).reason, "DEADLINE_EXCEEDED");
    rest();
    assert.is(network.opened, 1);
  } finally {
    client.close();
    await network.stop();
    await server.stop();
  }
});

test("a peer that answers pings is waited for", async () => {
  const server = await startFakeServer();
  const client = createClient({
    address: server.http2Url,
    keepAlive: { intervalMs: 10, timeoutMs: 500 },
    retries: false,
  });
  try {
    const error = await errorOf(client.get(keys.silent, { timeoutMs: 1500 }));
    assert.is(error.reason, "DEADLINE_EXCEEDED");
    assert.is(server.connections(), 1);
  } finally {
    client.close();
    await server.stop();
  }
});

test.run();
