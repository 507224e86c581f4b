import { classifyError } from "../dynamodb/aws-errors.js";
import type { TablePlane } from "../dynamodb/table-plane.js";
import type { TableNames } from "../layout/table-names.js";

export interface TtlSetupOptions {
  readonly tables: TablePlane;
  readonly names: TableNames;
  /** Wanted state of the table's TTL; undefined leaves it alone. */
  readonly wanted: "enabled" | "disabled" | undefined;
  /** Takes a warning: what is not as wanted, why, and what to do. */
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * State of the table's TTL after set-up: `on` for our expiry attribute, `off`, `unknown`, or `unsupported` by an
 * engine that does not have the call.
 */
export type TtlState = "on" | "off" | "unknown" | "unsupported";

/**
 * Makes the table's TTL as it is wanted. What cannot be had is a warning, never an error: reads are exact about expiry
 * whether or not DynamoDB reaps.
 */
export async function prepareTtl(options: TtlSetupOptions): Promise<TtlState> {
  const { tables, names, wanted, warn, signal } = options;
  let status: string | undefined;
  let attribute: string | undefined;
  try {
    const answer = await tables.describeTimeToLive({ TableName: names.table }, signal);
    status = answer.TimeToLiveDescription?.TimeToLiveStatus ?? "DISABLED";
    attribute = answer.TimeToLiveDescription?.AttributeName;
  } catch (cause) {
    if (classifyError(cause).kind === "unsupported") {
      return "unsupported";
    }
    if (wanted !== undefined) {
      warn(`the TTL of table '${names.table}' is left as it is: describing it failed with ${errorText(cause)}`);
    }
    return "unknown";
  }

  const onOurs = (status === "ENABLED" || status === "ENABLING") && attribute === names.expiryAttribute;
  const state = onOurs ? "on" : "off";
  if (wanted === undefined) {
    return state;
  }
  if (!["ENABLED", "ENABLING", "DISABLED", "DISABLING"].includes(status)) {
    warn(`the TTL of table '${names.table}' is left as it is: its status '${status}' is not known to dynakv`);
    return "unknown";
  }
  if (wanted === "enabled" && onOurs) {
    return "on";
  }
  if (wanted === "disabled" && (status === "DISABLED" || status === "DISABLING")) {
    return "off";
  }
  // DynamoDB refuses both of these with a ValidationException, but only here can it be said what to do.
  if (wanted === "enabled" && (status === "ENABLED" || status === "ENABLING")) {
    warn(
      `the TTL of table '${names.table}' is on attribute '${attribute}', not on '${names.expiryAttribute}': expired items stay in the table; disable it there first, or set expiryAttribute`,
    );
    return "off";
  }
  return changeTtl(options, wanted, attribute ?? names.expiryAttribute, state);
}

async function changeTtl(
  { tables, names, warn, signal }: TtlSetupOptions,
  wanted: "enabled" | "disabled",
  currentAttribute: string,
  state: TtlState,
): Promise<TtlState> {
  const enabled = wanted === "enabled";
  const input = {
    TableName: names.table,
    TimeToLiveSpecification: {
      Enabled: enabled,
      // It can only be disabled on the attribute that it is enabled on.
      AttributeName: enabled ? names.expiryAttribute : currentAttribute,
    },
  };
  try {
    await tables.updateTimeToLive(input, signal);
    return enabled ? "on" : "off";
  } catch (cause) {
    if (classifyError(cause).kind === "unsupported") {
      return "unsupported";
    }
    warn(
      `the TTL of table '${names.table}' could not be ${wanted}: ${errorText(cause)}; DynamoDB takes one change an hour, so restart later, or change it by hand`,
    );
    return state;
  }
}

function errorText(cause: unknown): string {
  const { name, message } = cause as Error;
  return `${name}: ${message}`;
}
