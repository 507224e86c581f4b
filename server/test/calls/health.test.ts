import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.js";
import { createHealth, type HealthService } from "../../src/calls/health.js";
import { suite } from "../support/suite.js";
import { withPort } from "../support/test-port.js";
import { waitUntil, withLongEnoughDeadline } from "../support/wait-until.js";

const test = suite("health");
const service = "dynakv.v1.KeyValueService";

/** The ways to reach the service that differ in how a stream is carried and ended. */
const transports = {
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  "gRPC-web over HTTP/1.1": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect over HTTP/2": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect over HTTP/1.1": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
};

function withHealth(use: (health: HealthService, url: string) => Promise<void>): Promise<void> {
  const health = createHealth([service]);
  return withPort({ routes: (router) => router.service(Health, health.implementation) }, async ({ url }) => {
    await use(health, url);
    assert.is(health.watchers, 0);
  });
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "Ok",
    (error) => Code[ConnectError.from(error).code],
  );
}

test("nothing is served before it is said to be", () =>
  withHealth(async (health, url) => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
    assert.not(health.current);
    assert.is((await client.check({})).status, Status.NOT_SERVING);
    assert.is((await client.check({ service })).status, Status.NOT_SERVING);
  }));

test("the services and the server as a whole change together", () =>
  withHealth(async (health, url) => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
    for (const [serving, status] of [
      [true, Status.SERVING],
      [false, Status.NOT_SERVING],
    ] as const) {
      health.set(serving);
      assert.is(health.current, serving);
      assert.is((await client.check({})).status, status);
      assert.is((await client.check({ service })).status, status);
      const { statuses } = await client.list({});
      assert.equal(Object.keys(statuses).sort(), ["", service]);
      assert.equal(
        Object.values(statuses).map((each) => each.status),
        [status, status],
      );
    }
  }));

test("a Check of an unknown service fails with NOT_FOUND", () =>
  withHealth(async (_, url) => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
    assert.is(await codeOf(client.check({ service: "nobody.v1.Knows" })), "NotFound");
  }));

for (const [name, createTransport] of Object.entries(transports)) {
  test(`${name}: a Watch tells the status at once and then every change`, () =>
    withHealth(async (health, url) => {
      const client = createClient(Health, createTransport(url));
      const left = new AbortController();
      const changes = client.watch({ service }, { signal: left.signal })[Symbol.asyncIterator]();
      assert.is((await changes.next()).value?.status, Status.NOT_SERVING);
      health.set(true);
      assert.is((await changes.next()).value?.status, Status.SERVING);
      health.set(true);
      health.set(false);
      assert.is((await changes.next()).value?.status, Status.NOT_SERVING);
      left.abort();
      await codeOf(changes.next());
      await waitUntil("the Watch has ended", () => health.watchers === 0);
    }));

  test(`${name}: a Watch of an unknown service says so and stays open`, () =>
    withHealth(async (health, url) => {
      const client = createClient(Health, createTransport(url));
      const left = new AbortController();
      const changes = client.watch({ service: "nobody.v1.Knows" }, { signal: left.signal })[Symbol.asyncIterator]();
      assert.is((await changes.next()).value?.status, Status.SERVICE_UNKNOWN);
      await waitUntil("the Watch waits", () => health.watchers === 1);
      health.set(true);
      await waitUntil("the Watch waits again", () => health.watchers === 1);
      left.abort();
      assert.is(await codeOf(changes.next()), "Canceled");
      await waitUntil("the Watch has ended", () => health.watchers === 0);
    }));

  test(`${name}: a Watch ends with UNAVAILABLE when the server shuts down, after NOT_SERVING`, () =>
    withHealth(async (health, url) => {
      health.set(true);
      const client = createClient(Health, createTransport(url));
      const seen: Status[] = [];
      const end = codeOf(
        (async () => {
          for await (const { status } of client.watch({ service })) {
            seen.push(status);
            health.close();
          }
        })(),
      );
      assert.is(await end, "Unavailable");
      assert.equal(seen, [Status.SERVING, Status.NOT_SERVING]);
    }));

  test(`${name}: nothing is held for a Watch whose deadline has passed`, () =>
    withHealth(async (health, url) => {
      const client = createClient(Health, createTransport(url));
      await withLongEnoughDeadline(async (timeoutMs) => {
        const changes = client.watch({ service }, { timeoutMs })[Symbol.asyncIterator]();
        const hasCome = await changes.next().then(
          () => true,
          () => false,
        );
        assert.is(hasCome ? await codeOf(changes.next()) : "DeadlineExceeded", "DeadlineExceeded");
        return hasCome;
      });
      await waitUntil("the Watch has ended", () => health.watchers === 0);
    }));
}

test("many clients that leave without a word leave no listener behind", () =>
  withHealth(async (health, url) => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
    const callers = Array.from({ length: 50 }, () => new AbortController());
    const watches = callers.map(async ({ signal }) => {
      for await (const _ of client.watch({ service }, { signal })) {
        // Until it is aborted.
      }
    });
    await waitUntil("all are watching", () => health.watchers === watches.length);
    for (const caller of callers) {
      caller.abort();
    }
    const codes = await Promise.all(watches.map(codeOf));
    assert.equal(new Set(codes), new Set(["Canceled"]));
    await waitUntil("all have ended", () => health.watchers === 0);
  }));

test("a server that shuts down is not serving again", () =>
  withHealth(async (health, url) => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: url }));
    health.set(true);
    health.close();
    health.set(true);
    assert.not(health.current);
    assert.is((await client.check({ service })).status, Status.NOT_SERVING);
  }));

test.run();
