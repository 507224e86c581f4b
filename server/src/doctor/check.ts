import type { TableDescription } from "@aws-sdk/client-dynamodb";
import type { Settings } from "../settings/settings.js";
import type { RemoteConnection } from "../store/dynamodb/sdk-connection.js";
import type { Clock } from "../store/layout/entry.js";
import type { ItemLayout } from "../store/layout/item-layout.js";
import type { Finding } from "./finding.js";

export interface Patient {
  readonly settings: Settings;
  readonly connection: RemoteConnection;
  readonly layout: ItemLayout;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly known: Known;
}

export interface Known {
  /** Set when DynamoDB cannot be queried, with the reason. */
  unusable?: string;
  /** Undefined when it could not be described, or is missing. */
  table?: TableDescription;
  /** True if DynamoDB says that there is no such table. */
  isMissing?: boolean;
  /** The account of the credentials, where AWS has told it. */
  account?: string;
  /** Signing region. */
  region?: string;
  /** Host of the endpoint, without port. */
  hostname?: string;
  /** True if this machine's clock is so far off that AWS refuses what it signs. */
  isClockOff?: boolean;
}

/** Looks at one thing, without changing anything. It rejects only when aborted. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;
