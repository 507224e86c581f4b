import { DeleteTableCommand, DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { type FaultProxy, startFaultProxy } from "../../src/faults/index.js";
import { createTable, startTestEngine, type TestEngine, uniqueTableName } from "./engine.js";
import { countResources, waitForNoLeaks } from "./leaks.js";

/** A table on an engine behind a fault proxy, and a client that asks through the proxy. */
export interface FaultyTable {
  readonly table: string;
  readonly engine: TestEngine;
  readonly proxy: FaultProxy;
  /** An SDK client that reaches the engine through the proxy, and tries once. */
  readonly client: DynamoDBClient;
  /** Forgets all faults, and what the SDK has learnt of the engine's clock. */
  reset(): void;
  /** Adds 1 to the counter at a key through the proxy, and returns what it is then. */
  increment(key: string, signal?: AbortSignal): Promise<number>;
  /** The counter at a key, as it lies in the table; 0 if there is none. */
  stored(key: string): Promise<number>;
  /** Stops all of it, and fails when a connection or a timer is left over. */
  stop(): Promise<void>;
}

export async function startFaultyTable(): Promise<FaultyTable> {
  const before = countResources();
  const table = uniqueTableName();
  const engine = await startTestEngine();
  await createTable(engine, table);
  const proxy = await startFaultProxy({ target: engine.endpoint });
  let client = createClient(engine, proxy.endpoint);
  return {
    table,
    engine,
    proxy,
    get client() {
      return client;
    },
    reset() {
      proxy.reset();
      client.destroy();
      client = createClient(engine, proxy.endpoint);
    },
    async increment(key, signal) {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: { id: { S: key } },
        UpdateExpression: "ADD c :one",
        ExpressionAttributeValues: { ":one": { N: "1" } },
        ReturnValues: "UPDATED_NEW",
      });
      const { Attributes } = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
      return Number(Attributes?.c?.N);
    },
    async stored(key) {
      const command = new GetItemCommand({ TableName: table, Key: { id: { S: key } }, ConsistentRead: true });
      return Number((await engine.client.send(command)).Item?.c?.N ?? 0);
    },
    async stop() {
      client.destroy();
      await proxy.stop();
      await engine.client.send(new DeleteTableCommand({ TableName: table }));
      await engine.stop();
      await waitForNoLeaks(before);
    },
  };
}

export function createClient(engine: TestEngine, endpoint: string): DynamoDBClient {
  const { region, accessKeyId, secretAccessKey } = engine;
  return new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 });
}

/** What a failed call of the SDK says. */
export interface SdkFailure {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly reasons: unknown;
}

/** Awaits a call of the SDK that must fail, and returns what it says. */
export async function sdkFailureOf(call: Promise<unknown>): Promise<SdkFailure> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata, ...rest } = error as Error & { $metadata?: { httpStatusCode?: number } };
    const { ThrottlingReasons, throttlingReasons } = rest as Record<string, unknown>;
    return { name, message, status: $metadata?.httpStatusCode, reasons: ThrottlingReasons ?? throttlingReasons };
  }
  throw new Error("the call should have failed");
}
