import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { createTestClock, type FaultProxy, startFaultProxy, type TestClock } from "../../../server/src/faults/index.js";
import { createServer, type Server } from "../../../server/src/index.js";
import { startTestEngine, type TestEngine, uniqueTableName } from "../../../server/test/support/engine.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";

/** One server, behind a proxy of its own. */
export interface Replica {
  readonly client: KeyValueClient;
  readonly proxy: FaultProxy;
}

/** One engine, one table, and several servers on it. */
export interface Replicas {
  readonly clock: TestClock;
  /** By how much the clock of the last replica is ahead of that of the others, in milliseconds. */
  skewMs: number;
  readonly list: readonly Replica[];
  stop(): Promise<void>;
}

/** The least that the settings allow, so that ids get too old, and move to the archive. */
export const requestWindowSeconds = 60;
const requestSlots = 4;

const replicaCount = 3;

export async function startReplicas(): Promise<Replicas> {
  const engine = await startTestEngine();
  const table = uniqueTableName();
  const clock = createTestClock();
  const started: (Replica & { readonly stop: () => Promise<void> })[] = [];
  const replicas: Replicas = {
    clock,
    skewMs: 0,
    list: started,
    async stop() {
      await Promise.all(started.map(({ stop }) => stop()));
      await engine.client.send(new DeleteTableCommand({ TableName: table }));
      await engine.stop();
    },
  };
  for (let n = 1; n <= replicaCount; n++) {
    const isSkewed = n === replicaCount;
    started.push(await startReplica(engine, table, () => clock() + (isSkewed ? replicas.skewMs : 0)));
  }
  return replicas;
}

async function startReplica(engine: TestEngine, table: string, clock: () => number) {
  const { endpoint, region, accessKeyId, secretAccessKey } = engine;
  const proxy = await startFaultProxy({ target: endpoint });
  const server: Server = createServer({
    listen: "127.0.0.1:0",
    logLevel: "silent",
    endpoint: proxy.endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    table,
    clock,
    requestWindowSeconds,
    requestSlots,
  });
  const { url } = await server.start();
  const sessionManager = new Http2SessionManager(url);
  const client = createClient(KeyValueService, createGrpcTransport({ baseUrl: url, sessionManager }));
  return {
    client,
    proxy,
    async stop() {
      sessionManager.abort();
      await server.stop();
      await proxy.stop();
    },
  };
}
