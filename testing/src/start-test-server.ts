import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type DynakvClient } from "@dynakv/client";
import { createServer, type StartedServer } from "@dynakv/server";
import { startEmbeddedEngine } from "@dynakv/server/embedded";
import { startFaultProxy } from "@dynakv/server/faults";
import { createClock } from "./clock.js";
import { createFaults } from "./faults.js";
import type { TestServer, TestServerOptions } from "./test-server.js";

const clientDefaults = { defaultTimeoutMs: 30_000 } as const;
const serverDefaults = { listen: "127.0.0.1:0", logLevel: "silent", overload: "off", drainSeconds: 1 } as const;
/** The defaults of the settings. */
const table = "celery";
const keyAttribute = "id";

/** How long a reset waits for writes in flight: without faults they take milliseconds. */
const settleMs = 5000;

/** Starts a server for tests, on a free port. Nothing is written to disk, and nothing of it outlives this process. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const closers: (() => Promise<void>)[] = [];
  const clients: DynakvClient[] = [];

  async function closeAll(): Promise<void> {
    for (const client of clients) {
      client.close();
    }
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      await close();
    }
  }

  async function start(): Promise<TestServer> {
    const engine = await startEmbeddedEngine({ data: "memory" });
    closers.push(() => engine.stop());
    const proxy = await startFaultProxy({
      target: engine.endpoint,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    });
    closers.push(() => proxy.stop());
    const { region, credentials } = engine;
    const clock = createClock();
    const settings = { ...serverDefaults, ...options.server };
    const server = createServer({
      ...settings,
      engine: { endpoint: proxy.endpoint, region, credentials },
      clock: clock.read,
    });
    closers.push(() => server.stop());
    const started = await server.start();
    const faults = createFaults(proxy, settings.keyAttribute ?? keyAttribute);
    // Before the server stops: what a fault holds would keep it from that.
    closers.push(async () => faults.clear());
    const connect: TestServer["createClient"] = (more) => {
      const client = createClient({ ...clientDefaults, ...options.client, ...more, address: started.url });
      clients.push(client);
      return client;
    };
    let client: DynakvClient | undefined;
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= closeAll();
      return closed;
    };

    return {
      address: started.url,
      get client() {
        client ??= connect();
        return client;
      },
      createClient: connect,
      clock,
      faults,
      dynamodb: { endpoint: engine.endpoint, region, credentials, table: settings.table ?? table },
      async reset() {
        faults.clear();
        await untilNothingIsWritten(started);
        await engine.clear();
        clock.reset();
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  try {
    return await start();
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function untilNothingIsWritten(server: StartedServer): Promise<void> {
  const giveUpAt = performance.now() + settleMs;
  while (server.writesInFlight > 0) {
    if (performance.now() > giveUpAt) {
      throw new Error(
        `${server.writesInFlight} writes are still in flight after ${settleMs / 1000} s: await each call in the test that makes it`,
      );
    }
    await sleep(1);
  }
}
