import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { createClient } from "../../../client/src/index.js";
import { isAlive } from "../support/is-alive.js";
import { type SpawnedServer, spawnCli, spawnServer } from "../support/spawn-server.js";
import { suite } from "../support/suite.js";
import { waitUntil } from "../support/wait-until.js";

const test = suite("workers");

/** The lines of the log that have a message. */
function logged(stderr: string, message: string): { worker?: number; pid?: number }[] {
  return stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === message);
}

/** The processes of both workers. What comes on stderr may come later than what was written to stdout after it. */
async function workersOf({ stderr }: SpawnedServer): Promise<number[]> {
  const ready = () => logged(stderr(), "worker ready");
  await waitUntil("both workers are ready", () => ready().length === 2);
  return ready().map(({ pid }) => Number(pid));
}

test("they share the port and the embedded engine; one that is killed is replaced; SIGTERM ends all", async () => {
  const spawned = await spawnServer(["--workers", "2", "--data", "memory", "--log-level", "info"]);
  const clients = Array.from({ length: 6 }, () => createClient({ address: spawned.url }));
  try {
    assert.is(spawned.stdout().match(/listening on/g)?.length, 1);
    const pids = await workersOf(spawned);

    // Each client has a connection of its own. A refused key is logged by the worker that has it.
    await Promise.all(clients.map((client) => client.get("").catch(() => {})));
    const workers = () => new Set(logged(spawned.stderr(), "call failed").map(({ worker }) => worker));
    await waitUntil("the refused calls are logged", () => logged(spawned.stderr(), "call failed").length === 6);
    assert.equal([...workers()].sort(), [1, 2]);

    const increments = clients.flatMap((client) => Array.from({ length: 50 }, () => client.incr("shared")));
    const values = await Promise.all(increments);
    assert.is(new Set(values).size, 300);
    await clients[0]?.set("kept", new Uint8Array([1]));

    process.kill(pids[0] as number, "SIGKILL");
    // The clients find their way to the other, with their retries.
    const more = await Promise.all(clients.map((client) => client.incr("shared")));
    assert.is(new Set([...values, ...more]).size, 306);
    await waitUntil("it is replaced", () => logged(spawned.stderr(), "worker ready").length === 3);
    const kept = await clients[0]?.get("kept");
    assert.equal(kept?.kind === "value" && kept.value, new Uint8Array([1]));

    spawned.process.kill("SIGTERM");
    assert.is(await spawned.exit, 0);
    const all = logged(spawned.stderr(), "worker ready").map(({ pid }) => Number(pid));
    assert.equal(all.filter(isAlive), []);
  } finally {
    for (const client of clients) {
      client.close();
    }
    spawned.process.kill("SIGKILL");
  }
});

test("an address that is in use is told once, and ends all of them", async () => {
  const taken = await spawnServer(["--data", "memory"]);
  const { port } = new URL(taken.url);
  const second = spawnCli(["serve", "--workers", "2", "--data", "memory", "--listen", `127.0.0.1:${port}`]);
  assert.is(await second.exit, 1);
  assert.is(second.stderr().match(/cannot listen on/g)?.length, 1);
  taken.process.kill("SIGTERM");
  assert.is(await taken.exit, 0);
});

test("SIGTERM while they start ends all of them", async () => {
  for (const afterMs of [300, 600, 900, 1200]) {
    const spawned = spawnCli(["serve", "--workers", "2", "--data", "memory", "--listen", "127.0.0.1:0"]);
    await sleep(afterMs);
    const wasListening = spawned.process.kill("SIGTERM");
    const exit = await spawned.exit;
    // Before the signal has a listener, it ends the process as it ends any.
    assert.ok(wasListening && (exit === 0 || exit === "SIGTERM"), `${exit} after ${afterMs} ms: ${spawned.stderr()}`);
  }
});

test("workers end with calls in drain when the process that started them is killed", async () => {
  const spawned = await spawnServer(["--workers", "2", "--data", "memory", "--log-level", "info"]);
  const pids = await workersOf(spawned);
  const session = connect(spawned.url);
  session.on("error", () => {});
  spawned.process.kill("SIGKILL");
  await waitUntil("the workers have ended", () => !pids.some(isAlive));
  session.destroy();
  await spawned.exit;
});

test.run();
