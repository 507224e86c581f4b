import type { Settings } from "../../settings/settings.js";
import type { DataPlane } from "./data-plane.js";
import type { TablePlane } from "./table-plane.js";

/** The way to DynamoDB: it repeats nothing by itself, and must be closed. */
export interface Connection {
  /** For what a call is made of. */
  readonly dynamodb: DataPlane;
  /** For everything else: table, TTL, reaping. */
  readonly tables: TablePlane;
  /** True if the engine is the embedded one. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

export type ConnectionSettings = Pick<
  Settings,
  "backend" | "data" | "region" | "endpoint" | "accessKeyId" | "secretAccessKey" | "sessionToken" | "dataPlane"
>;
