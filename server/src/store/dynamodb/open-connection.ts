import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type EmbeddedEngine, startEmbeddedEngine } from "../../embedded/embedded-engine.js";
import { isEmbedded } from "../../settings/is-embedded.js";
import type { Settings } from "../../settings/settings.js";
import type { Connection, ConnectionSettings } from "./connection.js";
import { createLeanDataPlane, type LeanDataPlane } from "./lean-data-plane.js";
import { timeouts } from "./timeouts.js";

/** Address and credentials of the embedded engine. */
export type EngineAddress = Pick<EmbeddedEngine, "endpoint" | "region" | "credentials">;

export interface ConnectionOptions {
  /** The caller's own client, in place of one made from the settings. */
  readonly client?: DynamoDBClient | undefined;
  /** An embedded engine that runs already, in place of one that is started. */
  readonly engine?: EngineAddress | undefined;
}

/**
 * Opens the way to the engine that the settings name: the caller's own client, an endpoint, AWS, or the embedded one. The AWS SDK is
 * loaded only for those that need it, since it takes longer to load than all the rest.
 */
export async function openConnection(
  settings: ConnectionSettings,
  { client, engine }: ConnectionOptions,
): Promise<Connection> {
  if (client === undefined && isEmbedded(settings)) {
    return openEmbedded(settings, engine);
  }
  const { openOwnClient, openRemote } = await import("./sdk-connection.js");
  return client === undefined ? openRemote(settings) : openOwnClient(client);
}

async function openEmbedded(
  { data, dataPlane }: ConnectionSettings,
  running: EngineAddress | undefined,
): Promise<Connection> {
  const started = running === undefined ? await startEmbeddedEngine({ data }) : undefined;
  const address = running ?? (started as EmbeddedEngine);
  const { dynamodb, tables, close } = await openPlanes(address, dataPlane);
  return {
    dynamodb,
    tables,
    embedded: true,
    async close() {
      await close();
      await started?.stop();
    },
  };
}

async function openPlanes(address: EngineAddress, dataPlane: Settings["dataPlane"]) {
  if (dataPlane === "sdk") {
    const { openClients } = await import("./sdk-connection.js");
    const { endpoint, region, credentials } = address;
    return openClients({ endpoint, region, credentials }, dataPlane);
  }
  const lean = openLean(address);
  return { dynamodb: lean, tables: lean.tables, close: lean.close };
}

function openLean({ endpoint, region, credentials }: EngineAddress): LeanDataPlane {
  const { origin, host } = new URL(endpoint);
  const source = {
    credentials: async () => credentials,
    findTarget: async () => ({ origin, host, path: "/", region, service: "dynamodb" }),
  };
  return createLeanDataPlane(source, timeouts);
}
