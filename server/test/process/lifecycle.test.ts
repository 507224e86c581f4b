import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { isFullRun } from "../support/full-run.js";
import { type SpawnedServer, spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import type { KeyValueClient } from "../support/test-server.js";

const test = suite("lifecycle");
let folder: string;
/** How many writes are acknowledged before the signal comes. */
const before = isFullRun ? 2000 : 500;

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "dynakv-test-"));
});

test.after.each(() => rm(folder, { recursive: true, force: true }));

const clientOf = ({ url }: SpawnedServer) => createClient(KeyValueService, createGrpcTransport({ baseUrl: url }));

/** Writes with 32 writers until the server is gone. Returns the keys whose writes were acknowledged. */
async function writeUntilGone(client: KeyValueClient, onProgress: (acknowledged: number) => void): Promise<string[]> {
  const acknowledged: string[] = [];
  await Promise.all(
    Array.from({ length: 32 }, async (_, writer) => {
      for (let n = 0; ; n++) {
        const key = `${writer}-${n}`;
        try {
          await client.set({ key, value: Buffer.from(key) });
        } catch {
          return;
        }
        acknowledged.push(key);
        onProgress(acknowledged.length);
      }
    }),
  );
  return acknowledged;
}

async function missingOf(client: KeyValueClient, keys: string[]): Promise<string[]> {
  const missing: string[] = [];
  for await (const message of client.mGet({ keys, consistency: Consistency.STRONG })) {
    for (const { key, result } of message.results) {
      const value = result.case === "entry" && result.value.data.case === "value" ? result.value.data.value : undefined;
      if (value === undefined || Buffer.from(value).toString() !== key) {
        missing.push(key);
      }
    }
  }
  return missing;
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`no acknowledged write is missing after a ${signal} under load and a restart`, async () => {
    const first = await spawnServer(["--data", folder]);
    const acknowledged = await writeUntilGone(clientOf(first), (count) => {
      if (count === before) {
        first.process.kill(signal);
      }
    });
    assert.is(await first.exit, signal === "SIGTERM" ? 0 : "SIGKILL");
    assert.ok(acknowledged.length >= before);

    const second = await spawnServer(["--data", folder]);
    assert.equal(await missingOf(clientOf(second), acknowledged), []);
    second.process.kill("SIGTERM");
    assert.is(await second.exit, 0);
  });
}

test("calls that run when SIGTERM comes are answered", async () => {
  const server = await spawnServer(["--data", "memory"]);
  const client = clientOf(server);
  await client.incr({ key: "warm" });
  const running = Array.from({ length: 50 }, () => client.incr({ key: "count" }));
  await Promise.race(running);
  server.process.kill("SIGTERM");
  const answers = await Promise.allSettled(running);
  assert.ok(answers.every(({ status }) => status === "fulfilled"));
  assert.is(await server.exit, 0);
});

test("SIGINT ends the server like SIGTERM, and a second signal at once, whatever still runs", async () => {
  const server = await spawnServer(["--data", "memory"]);
  server.process.kill("SIGINT");
  assert.is(await server.exit, 0);

  const busy = await spawnServer(["--data", "memory", "--drain-seconds", "3600"]);
  const client = clientOf(busy);
  const keys = Array.from({ length: 50_000 }, (_, n) => `key-${n}`);
  const stream = client.mGet({ keys })[Symbol.asyncIterator]();
  await stream.next();
  busy.process.kill("SIGTERM");
  // Within a moment of the first, a second signal is taken for the same one: npm passes Ctrl-C on. When it has heard the first is its own affair.
  const again = setInterval(() => busy.process.kill("SIGTERM"), 500);
  // The reader has stopped reading, so that the call would run on for as long as the drain allows.
  assert.is.not(await busy.exit, 0);
  clearInterval(again);
  await stream.return?.();
});

test.run();
