import * as assert from "uvu/assert";
import { isFullRun } from "../../server/test/support/full-run.js";
import { type SpawnedServer, spawnServer } from "../../server/test/support/spawn-server.js";
import { suite } from "../../server/test/support/suite.js";
import { startTestServer, type TestServer } from "../../server/test/support/test-server.js";
import { waitUntil } from "../../server/test/support/wait-until.js";
import { findFreePort } from "../../tools/free-port.js";
import { createClient as createGrpcJsClient } from "../src/grpc-js.js";
import { createClient, type DynakvClient, DynakvError } from "../src/index.js";

const test = suite("a server that is restarted under load");
let table: TestServer;

test.before(async () => {
  table = await startTestServer();
});

test.after(() => table.stop());

// They go on until their deadline, for on a busy machine a server may need longer to start than the attempts of the default last.
const retries = { maxAttempts: 1000 };
const clients: Record<string, (address: string) => DynakvClient> = {
  gRPC: (address) => createClient({ address, protocol: "grpc", defaultTimeoutMs: 30_000, retries }),
  "gRPC-web over HTTP/1.1": (address) =>
    createClient({ address, protocol: "grpc-web", httpVersion: "1.1", defaultTimeoutMs: 30_000, retries }),
  "grpc-js": (address) => createGrpcJsClient({ address, defaultTimeoutMs: 30_000, retries }),
};

async function serve(listen: string): Promise<SpawnedServer> {
  const { endpoint, region, accessKeyId, secretAccessKey } = table.engine;
  const args = ["--endpoint", endpoint, "--region", region, "--table", table.table];
  return spawnServer(args, { DYNAKV_ACCESS_KEY_ID: accessKeyId, DYNAKV_SECRET_ACCESS_KEY: secretAccessKey }, listen);
}

const signals = ["SIGKILL", "SIGTERM"] as const;
for (const [name, create] of Object.entries(clients)) {
  for (const signal of signals) {
    test(`${name}, ${signal}: no error reaches a caller, and counters are exact`, async () => {
      // Nobody else is given it while the server is away.
      const host = `127.0.0.1:${await findFreePort()}`;
      let spawned = await serve(host);
      const client = create(spawned.url);
      const prefix = `${name}-${signal}-`;
      // Nobody else writes these keys. A server that ends in order answers what it was asked, so that nothing is in doubt;
      // only HTTP/1.1 cannot tell a request that crosses the end of its connection from one that was in flight.
      const options = signal === "SIGKILL" || name.endsWith("1.1") ? { idempotent: true } : {};
      let isOver = false;
      let increments = 0n;
      const errors: unknown[] = [];
      async function work(worker: number): Promise<void> {
        for (let n = 0; !isOver; n++) {
          try {
            const key = `${prefix}${worker}`;
            await client.set(key, Buffer.from(String(n)), options);
            const entry = await client.get(key, { consistency: "strong" });
            assert.is(entry?.kind === "value" && Buffer.from(entry.value).toString(), String(n));
            await client.incr(`${prefix}counter`);
            increments++;
            const seen = await client.mget([key, "missing", key]).toMap();
            assert.is(seen.size, 1);
          } catch (error) {
            errors.push(error);
          }
        }
      }
      // As long as the load needs to come back, and a while more.
      async function progress(): Promise<void> {
        const before = increments;
        await waitUntil("the load goes on", () => increments > before + 40n);
      }
      const workers = Array.from({ length: 20 }, (_, worker) => work(worker));
      try {
        for (let kills = 0; kills < (isFullRun ? 4 : 1); kills++) {
          await progress();
          spawned.process.kill(signal);
          await spawned.exit;
          spawned = await serve(host);
        }
        await progress();
        isOver = true;
        await Promise.all(workers);
        const [first] = errors;
        const told = first instanceof DynakvError ? `${first.reason} ${first.outcome}: ${first.message}` : first;
        assert.is(errors.length, 0, `${errors.length} errors, such as ${told}`);
        const counter = await client.get(`${prefix}counter`, { consistency: "strong" });
        assert.is(counter?.kind === "counter" && counter.counter, increments);
      } finally {
        isOver = true;
        client.close();
        spawned.process.kill("SIGKILL");
        await spawned.exit;
      }
    });
  }
}

test.run();
