import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import * as assert from "uvu/assert";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import { startFaultProxy } from "../../../src/faults/index.js";
import { isFullRun } from "../../support/full-run.js";
import { incrementStorm, loseFirstAnswers } from "../../support/increment-storm.js";
import { type SpawnedServer, spawnServer } from "../../support/spawn-server.js";
import { suite } from "../../support/suite.js";
import { type KeyValueClient, startTestServer, type TestServer } from "../../support/test-server.js";

const test = suite("replicas that are killed");
let server: TestServer;

test.before(async () => {
  server = await startTestServer();
});

test.after(() => server.stop());

const writers = isFullRun ? 50 : 20;
const each = isFullRun ? 200 : 30;

test(`${writers * each} increments count exactly while answers are lost and a replica is killed every second`, async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = server.engine;
  const proxy = await startFaultProxy({ target: endpoint });
  loseFirstAnswers(proxy);
  const start = async (): Promise<{ spawned: SpawnedServer; client: KeyValueClient }> => {
    const spawned = await spawnServer(["--endpoint", proxy.endpoint, "--region", region, "--table", server.table], {
      DYNAKV_ACCESS_KEY_ID: accessKeyId,
      DYNAKV_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const transport = createConnectTransport({ baseUrl: spawned.url, httpVersion: "2" });
    return { spawned, client: createClient(KeyValueService, transport) };
  };
  const replicas = await Promise.all([start(), start(), start()]);
  let done = false;
  let kills = 0;
  const killing = (async () => {
    for (let victim = 0; !done; victim = (victim + 1) % 3) {
      await sleep(1000);
      const { process: child, exit } = (replicas[victim] as (typeof replicas)[number]).spawned;
      child.kill("SIGKILL");
      kills++;
      await exit;
      replicas[victim] = await start();
    }
  })();
  try {
    const clientFor = (writer: number, attempt: number) =>
      (replicas[(writer + attempt) % 3] as (typeof replicas)[number]).client;
    const answers = await incrementStorm({ key: "killed", writers, each, clientFor });
    done = true;
    await killing;
    assert.ok(kills > 0, "a replica was killed while increments were in flight");
    assert.is(new Set(answers).size, writers * each);
    const { entry } = await server.client.get({ key: "killed", consistency: 2 });
    assert.is(entry?.data.value, BigInt(writers * each));
  } finally {
    done = true;
    await killing.catch(() => {});
    await Promise.all(
      replicas.map(({ spawned }) => {
        spawned.process.kill("SIGKILL");
        return spawned.exit;
      }),
    );
    await proxy.stop();
  }
});

test.run();
