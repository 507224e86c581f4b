import type { TableDescription } from "@aws-sdk/client-dynamodb";
import type { Settings } from "../settings/settings.js";
import type { Connection } from "../store/dynamodb/connection.js";
import type { Clock } from "../store/layout/entry.js";
import type { ItemLayout } from "../store/layout/item-layout.js";
import type { Finding } from "./finding.js";

/** What the checks of a backend share. */
export interface Patient {
  readonly settings: Settings;
  readonly connection: Connection;
  readonly layout: ItemLayout;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** What earlier checks have found out. */
  readonly known: Known;
}

export interface Known {
  /** Why nothing can be asked of DynamoDB; undefined as long as it can be. */
  unusable?: string;
  /** Undefined when it could not be described, or is missing. */
  table?: TableDescription;
  /** Whether DynamoDB says that there is no such table. */
  isMissing?: boolean;
  /** The account of the credentials, where AWS has told it. */
  account?: string;
  /** Where the requests are signed for. */
  region?: string;
  /** Where the requests go, without the port. */
  hostname?: string;
  /** Whether this machine's clock is so far off that AWS refuses what it signs. */
  isClockOff?: boolean;
}

/** Looks at one thing, without changing anything. It rejects only when aborted. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;
