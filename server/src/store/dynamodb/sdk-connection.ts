import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SetupError } from "../../errors/dynakv-error.js";
import type { Settings } from "../../settings/settings.js";
import type { Connection, ConnectionSettings } from "./connection.js";
import { createDynamoDBClient, type DynamoDBClientOptions } from "./dynamodb-client.js";
import { createLeanDataPlane } from "./lean-data-plane.js";
import { directNetwork, type Network } from "./network.js";
import { readNetwork } from "./read-network.js";
import { createSdkDataPlane } from "./sdk-data-plane.js";
import { createSdkTablePlane } from "./sdk-table-plane.js";
import { sdkSource } from "./signing-target.js";
import { timeouts } from "./timeouts.js";
import { withoutRetries } from "./without-retries.js";

/** The way to an endpoint, with the SDK's client that knows endpoint and credentials. */
export interface RemoteConnection extends Connection {
  readonly client: DynamoDBClient;
  /** Proxy and authorities on the way to DynamoDB. */
  readonly network: Network;
}

/** The way that a caller's own client goes, with its middleware, which only the SDK runs. */
export function openOwnClient(own: DynamoDBClient): Connection {
  const client = withoutRetries(own);
  return {
    dynamodb: createSdkDataPlane(client),
    tables: createSdkTablePlane(client),
    embedded: false,
    close: async () => {},
  };
}

/**
 * Opens the way to an endpoint, or to AWS.
 *
 * @throws SetupError
 */
export async function openRemote(settings: ConnectionSettings): Promise<RemoteConnection> {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken, dataPlane } = settings;
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? undefined
      : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const network = await readNetwork(endpoint);
  const { client, dynamodb, tables, close } = openClients({ endpoint, region, credentials, network }, dataPlane);
  try {
    await checkRegion(client);
  } catch (error) {
    await close();
    throw error;
  }
  return { client, dynamodb, tables, network, embedded: false, close };
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

/** A client of the SDK's, and both planes beside it. */
export function openClients(options: DynamoDBClientOptions, plane: Settings["dataPlane"]) {
  const client = createDynamoDBClient(options);
  const tables = createSdkTablePlane(client);
  if (plane === "sdk") {
    return { client, dynamodb: createSdkDataPlane(client), tables, close: async () => client.destroy() };
  }
  const dynamodb = createLeanDataPlane(sdkSource(client), {
    ...timeouts,
    network: options.network ?? directNetwork,
  });
  return {
    client,
    dynamodb,
    tables,
    async close() {
      client.destroy();
      await dynamodb.close();
    },
  };
}
