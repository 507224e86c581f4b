import { setTimeout as sleep } from "node:timers/promises";
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { SetupError } from "../../errors/dynakv-error.js";
import { classifyError, isInUse } from "../dynamodb/aws-errors.js";
import type { TablePlane } from "../dynamodb/table-plane.js";
import type { TableNames } from "../layout/table-names.js";

export interface TableSetupOptions {
  readonly tables: TablePlane;
  readonly names: TableNames;
  readonly createTable: boolean;
  /** Capacity of a table that is created. With neither, it is billed on demand; with one, the other is 1, as in Celery. */
  readonly readCapacity: number | undefined;
  readonly writeCapacity: number | undefined;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** The embedded engine makes a table at once. */
const firstPollMs = 5;
const longestPollMs = 2000;

/** A table that can be served from. */
export interface PreparedTable {
  readonly description: TableDescription;
  /** True if it was missing, and made. */
  readonly isNew: boolean;
}

/** Makes sure that the table is there, active, and of a shape that can be served. Rejects with a SetupError. */
export async function prepareTable(options: TableSetupOptions): Promise<PreparedTable> {
  const { names, createTable, waitMs, signal } = options;
  const giveUpAt = Date.now() + waitMs;
  let isNew = false;
  for (let pollMs = firstPollMs; ; pollMs = Math.min(longestPollMs, pollMs * 2)) {
    const description = await describeTable(options);
    if (description !== undefined && isActive(description, names)) {
      return { description, isNew };
    }
    if (description === undefined && !isNew) {
      if (!createTable) {
        throw new SetupError(
          `table '${names.table}' does not exist, and creating it is not allowed: create it, or set createTable`,
          { transient: false },
        );
      }
      isNew = await requestTable(options);
    }
    if (Date.now() >= giveUpAt) {
      throw new SetupError(
        `table '${names.table}' is still ${description?.TableStatus ?? "missing"} after ${waitMs / 1000} s: look at it, or raise tableWaitSeconds`,
        { transient: true },
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** Identity of a table, to notice another one of the same name: undefined where the engine gives nothing of the kind. */
export function identityOf({ TableId, CreationDateTime }: TableDescription): string | undefined {
  return TableId ?? CreationDateTime?.toISOString();
}

/** Undefined when there is none. */
export async function describeTable({
  tables,
  names,
  signal,
}: Pick<TableSetupOptions, "tables" | "names" | "signal">): Promise<TableDescription | undefined> {
  try {
    const answer = await tables.describeTable({ TableName: names.table }, signal);
    return answer.Table;
  } catch (cause) {
    if (classifyError(cause).kind === "table-missing") {
      return undefined;
    }
    throw setupError("describe", "dynamodb:DescribeTable", names, cause);
  }
}

/** Resolves to whether it was this request that makes it. */
async function requestTable(options: TableSetupOptions): Promise<boolean> {
  const { tables, names, readCapacity, writeCapacity, signal } = options;
  const provisioned = readCapacity !== undefined || writeCapacity !== undefined;
  try {
    await tables.createTable(
      {
        TableName: names.table,
        KeySchema: [{ AttributeName: names.keyAttribute, KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: names.keyAttribute, AttributeType: "S" }],
        ...(provisioned
          ? {
              BillingMode: "PROVISIONED",
              ProvisionedThroughput: { ReadCapacityUnits: readCapacity ?? 1, WriteCapacityUnits: writeCapacity ?? 1 },
            }
          : { BillingMode: "PAY_PER_REQUEST" }),
      },
      signal,
    );
    return true;
  } catch (cause) {
    // Another replica, or a Celery worker, was quicker.
    if (isInUse(cause)) {
      return false;
    }
    throw setupError("create", "dynamodb:CreateTable", names, cause);
  }
}

/** Returns true if the table can be used now; throws when waiting will not make it so. */
function isActive(table: TableDescription, names: TableNames): boolean {
  const problem = shapeProblem(table, names);
  if (problem !== undefined) {
    throw new SetupError(`table '${names.table}' does not fit: ${problem.found}; ${problem.advice}`, {
      transient: false,
    });
  }
  const status = table.TableStatus ?? "ACTIVE";
  if (status === "CREATING" || status === "DELETING") {
    return false;
  }
  if (status === "ACTIVE" || status === "UPDATING") {
    return true;
  }
  throw new SetupError(`table '${names.table}' is ${status} and cannot be used`, { transient: false });
}

/** The problem with a table's schema, with advice; undefined when it fits. */
export function shapeProblem(
  { KeySchema = [], AttributeDefinitions = [] }: TableDescription,
  names: TableNames,
): { readonly found: string; readonly advice: string } | undefined {
  const hash = KeySchema.find(({ KeyType }) => KeyType === "HASH");
  const range = KeySchema.find(({ KeyType }) => KeyType === "RANGE");
  const type = AttributeDefinitions.find((of) => of.AttributeName === hash?.AttributeName)?.AttributeType;
  if (range !== undefined) {
    return {
      found: `it has a sort key, '${range.AttributeName}'`,
      advice: "dynakv needs a table with a partition key alone",
    };
  }
  const found = `its partition key is '${hash?.AttributeName}'${type === undefined ? "" : ` (${type})`}`;
  if (hash?.AttributeName !== names.keyAttribute) {
    return { found: `${found}, not '${names.keyAttribute}'`, advice: "set keyAttribute, or use another table" };
  }
  if (type !== "S") {
    return { found, advice: "dynakv needs a string (S): use another table" };
  }
  return undefined;
}

/** Set-up error for the operator: with AWS's name of the error, and never with a credential. */
function setupError(verb: string, right: string, names: TableNames, cause: unknown): SetupError {
  const failure = classifyError(cause);
  const { name, message } = cause as Error;
  const what = `cannot ${verb} table '${names.table}'`;
  switch (failure.kind) {
    case "denied":
      return new SetupError(`${what}: ${name}; check the credentials, and that they have the right ${right}`, {
        transient: false,
        cause,
      });
    case "no-credentials":
      return new SetupError(
        // Without its message, which may hold the command of a credential process.
        `${what}: there are no credentials (${name}); give this process a role or a profile, or set accessKeyId and secretAccessKey`,
        { transient: true, cause },
      );
    case "misconfigured":
      return new SetupError(`${what}: ${message}`, { transient: false, cause });
    case "foreign":
      return new SetupError(`${what}: an intermediary answers instead of DynamoDB (${message})`, {
        transient: true,
        cause,
      });
    case "unreachable":
    case "aborted":
      return new SetupError(`${what}: DynamoDB cannot be reached (${(cause as { code?: string }).code ?? name})`, {
        transient: true,
        cause,
      });
    case "throttled":
    case "failing":
    case "conflict":
    case "clock-skew":
      return new SetupError(`${what}: ${name}`, { transient: true, cause });
    default:
      return new SetupError(`${what}: ${name}: ${message}`, { transient: false, cause });
  }
}
