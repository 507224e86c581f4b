import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../embedded/embedded-engine.js";
import { SetupError } from "../../errors/dynakv-error.js";
import { isEmbedded } from "../../settings/is-embedded.js";
import type { Settings } from "../../settings/settings.js";
import type { DataPlane } from "./data-plane.js";
import { createDynamoDBClient, type DynamoDBClientOptions, timeouts } from "./dynamodb-client.js";
import { createLeanDataPlane } from "./lean-data-plane.js";
import { directNetwork, type Network, readNetwork } from "./network.js";
import { createSdkDataPlane } from "./sdk-data-plane.js";
import { withoutRetries } from "./without-retries.js";

/** The way to DynamoDB: clients that repeat nothing by themselves, and what must be closed after them. */
export interface Connection {
  /** For what a call is made of. */
  readonly dynamodb: DataPlane;
  /** For everything else: table, TTL, reaping. */
  readonly client: Pick<DynamoDBClient, "send">;
  /** Proxy and authorities on the way to DynamoDB; unknown for a caller's own client. */
  readonly network: Network;
  /** True if the engine is the embedded one. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

type ConnectionSettings = Pick<
  Settings,
  "backend" | "data" | "region" | "endpoint" | "accessKeyId" | "secretAccessKey" | "sessionToken" | "dataPlane"
>;

/** Address and credentials of the embedded engine. */
export type EngineAddress = Pick<EmbeddedEngine, "endpoint" | "region" | "credentials">;

export interface ConnectionOptions {
  /** The caller's own client, in place of one made from the settings. */
  readonly client?: DynamoDBClient | undefined;
  /** An embedded engine that runs already, in place of one that is started. */
  readonly engine?: EngineAddress | undefined;
}

/** Opens the way to the engine that the settings name: the caller's own client, an endpoint, AWS, or the embedded one. */
export async function openConnection(
  settings: ConnectionSettings,
  { client: own, engine }: ConnectionOptions,
): Promise<Connection> {
  if (own !== undefined) {
    const client = withoutRetries(own);
    // With its middleware, which only the SDK runs.
    return {
      client,
      dynamodb: createSdkDataPlane(client),
      network: directNetwork,
      embedded: false,
      close: async () => {},
    };
  }
  return isEmbedded(settings) ? openEmbedded(settings, engine) : openRemote(settings);
}

async function openEmbedded(
  { data, dataPlane }: ConnectionSettings,
  running: EngineAddress | undefined,
): Promise<Connection> {
  const started = running === undefined ? await startEmbeddedEngine({ data }) : undefined;
  const { endpoint, region, credentials } = running ?? (started as EmbeddedEngine);
  const { client, dynamodb, close } = openClients({ endpoint, region, credentials }, dataPlane);
  return {
    client,
    dynamodb,
    network: directNetwork,
    embedded: true,
    async close() {
      await close();
      await started?.stop();
    },
  };
}

async function openRemote(settings: ConnectionSettings): Promise<Connection> {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken, dataPlane } = settings;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const network = await readNetwork(endpoint);
  const { client, dynamodb, close } = openClients({ endpoint, region, credentials, network }, dataPlane);
  try {
    await checkRegion(client);
  } catch (error) {
    await close();
    throw error;
  }
  return { client, dynamodb, network, embedded: false, close };
}

/** The region of the environment and AWS files is resolved lazily; a missing one would fail each request. */
async function checkRegion({ config }: DynamoDBClient): Promise<void> {
  try {
    await config.region();
  } catch (cause) {
    const { message } = cause as Error;
    const why = /missing/i.test(message) ? "" : ` (${message})`;
    throw new SetupError(`no AWS region${why}: set region, name it in the backend URL, or set AWS_REGION`, {
      transient: false,
      cause,
    });
  }
}

function openClients(options: DynamoDBClientOptions, plane: Settings["dataPlane"]) {
  const client = createDynamoDBClient(options);
  if (plane === "sdk") {
    return { client, dynamodb: createSdkDataPlane(client), close: async () => client.destroy() };
  }
  const dynamodb = createLeanDataPlane(client, { ...timeouts, network: options.network ?? directNetwork });
  return {
    client,
    dynamodb,
    async close() {
      client.destroy();
      await dynamodb.close();
    },
  };
}
