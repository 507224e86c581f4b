import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { startEmbeddedEngine } from "../../src/embedded/embedded-engine.js";
import { waitUntil } from "./wait-until.js";

/** An engine to test against: the embedded one, or that at DYNAKV_TEST_ENDPOINT. */
export interface TestEngine {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A plain SDK client, for looking at raw items and for writing them as Celery does. */
  readonly client: DynamoDBClient;
  stop(): Promise<void>;
}

/** Whether the suite runs against the embedded engine. */
export const isEmbeddedEngine = process.env.DYNAKV_TEST_ENDPOINT === undefined;

export async function startTestEngine(): Promise<TestEngine> {
  const endpoint = process.env.DYNAKV_TEST_ENDPOINT;
  if (endpoint !== undefined) {
    const region = process.env.AWS_REGION ?? "us-east-1";
    const accessKeyId = process.env.AWS_ACCESS_KEY_ID ?? "test";
    const secretAccessKey = process.env.AWS_SECRET_ACCESS_KEY ?? "test";
    return withClient({ endpoint, region, accessKeyId, secretAccessKey }, async () => {});
  }
  const engine = await startEmbeddedEngine({ data: "memory" });
  const { region, credentials } = engine;
  return withClient({ endpoint: engine.endpoint, region, ...credentials }, () => engine.stop());
}

function withClient(at: Omit<TestEngine, "client" | "stop">, stop: () => Promise<void>): TestEngine {
  const { endpoint, region, accessKeyId, secretAccessKey } = at;
  const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  return {
    ...at,
    client,
    async stop() {
      client.destroy();
      await stop();
    },
  };
}

/** Makes a table of Celery's layout, past any server, with what differs from it, and waits until it can be used. */
export async function createTable(
  { client }: TestEngine,
  table: string,
  options: Partial<CreateTableCommandInput> = {},
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
      ...options,
    }),
  );
  await waitUntil(`table ${table} is active`, async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    return Table?.TableStatus === "ACTIVE";
  });
}

/** A table name that no other suite uses, also on an engine that outlives the run. */
export function uniqueTableName(): string {
  return `dynakv-test-${randomUUID()}`;
}
