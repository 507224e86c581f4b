import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startEmbeddedEngine } from "../embedded/embedded-engine.js";
import { SetupError } from "../errors.js";
import type { Settings } from "../settings/settings.js";
import { createDynamoDBClient } from "./dynamodb-client.js";
import { withoutRetries } from "./without-retries.js";

/** The way to DynamoDB: a client that repeats nothing by itself, and what must be closed after it. */
export interface Connection {
  readonly client: Pick<DynamoDBClient, "send">;
  /** Whether the engine runs in this process. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

type ConnectionSettings = Pick<
  Settings,
  "backend" | "data" | "region" | "endpoint" | "accessKeyId" | "secretAccessKey" | "sessionToken"
>;

/** Opens the way to the engine that the settings name: the caller's own client, an endpoint, AWS, or the embedded one. */
export async function openConnection(
  settings: ConnectionSettings,
  own: DynamoDBClient | undefined,
): Promise<Connection> {
  if (own !== undefined) {
    return { client: withoutRetries(own), embedded: false, close: async () => {} };
  }
  return isEmbedded(settings) ? openEmbedded(settings.data) : openRemote(settings);
}

/** Without any word about a backend, the embedded engine serves. */
export function isEmbedded({ backend, endpoint, region, accessKeyId }: ConnectionSettings): boolean {
  return [backend, endpoint, region, accessKeyId].every((setting) => setting === undefined);
}

async function openEmbedded(data: string): Promise<Connection> {
  const engine = await startEmbeddedEngine({ data });
  const { endpoint, region, credentials } = engine;
  const client = createDynamoDBClient({ endpoint, region, credentials });
  return {
    client,
    embedded: true,
    async close() {
      client.destroy();
      await engine.stop();
    },
  };
}

async function openRemote(settings: ConnectionSettings): Promise<Connection> {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = settings;
  const client = createDynamoDBClient({
    endpoint,
    region,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    throw new SetupError("no AWS region: set region, name it in the backend URL, or set AWS_REGION", {
      transient: false,
      cause,
    });
  }
  return { client, embedded: false, close: async () => client.destroy() };
}
