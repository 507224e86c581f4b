import { DescribeTableCommand, DescribeTimeToLiveCommand, type TableDescription } from "@aws-sdk/client-dynamodb";
import { classifyError } from "../store/dynamodb/aws-errors.js";
import { describeReplicas } from "../store/table/replicas.js";
import { shapeProblem } from "../store/table/table-setup.js";
import type { Check, Patient } from "./check.js";
import { type Finding, failure, ok, skipped, warning } from "./finding.js";

/** Checks whether the table is there, active, of the right shape, and how it is billed. */
export const checkTable: Check = async (patient) => {
  const { connection, layout, signal, known, settings } = patient;
  const { table: name } = layout.names;
  if (known.unusable !== undefined) {
    return [skipped("table", known.unusable)];
  }
  let table: TableDescription | undefined;
  try {
    const answer = await connection.client.send(new DescribeTableCommand({ TableName: name }), { abortSignal: signal });
    table = answer.Table ?? {};
  } catch (error) {
    signal.throwIfAborted();
    if (classifyError(error).kind !== "table-missing") {
      // The missing right is reported by its own check.
      return [skipped("table", "it cannot be described")];
    }
    known.isMissing = true;
    return [missingTable(patient)];
  }
  const problem = shapeProblem(table, layout.names);
  if (problem !== undefined) {
    return [failure("table", problem.found, problem.advice)];
  }
  known.table = table;
  const status = table.TableStatus ?? "ACTIVE";
  const what = `'${name}' is ${status}, with some ${table.ItemCount ?? 0} items`;
  const findings: Finding[] = [];
  if (status === "ACTIVE" || status === "UPDATING") {
    findings.push(ok("table", what));
  } else if (status === "CREATING") {
    findings.push(warning("table", what, `wait: the server does so for up to ${settings.tableWaitSeconds} s`));
  } else {
    findings.push(failure("table", what, "use another table, or fix this one"));
  }
  return [...findings, checkBilling(table), ...checkReplicas(table)];
};

function checkReplicas(table: TableDescription): Finding[] {
  const replicas = describeReplicas(table);
  if (replicas === undefined) {
    return [];
  }
  const { found, limits } = replicas;
  return limits === undefined
    ? [ok("replicas", found)]
    : [
        warning(
          "replicas",
          `${found}: ${limits}`,
          "write in one region only, or each counter in one; or make the table strongly consistent across regions",
        ),
      ];
}

function missingTable({ layout, settings, known }: Patient): Finding {
  const what = `'${layout.names.table}' does not exist in ${known.region ?? "the region"}`;
  return settings.createTable
    ? warning("table", what, "check table and region; the server creates it if it may (dynamodb:CreateTable)")
    : failure("table", what, "check table and region, create it, or set createTable");
}

/** Below this, a table serves a handful of calls a second: it was made with Celery's default of 1. */
const fewUnits = 5;

function checkBilling({ BillingModeSummary, ProvisionedThroughput }: TableDescription): Finding {
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = ProvisionedThroughput ?? {};
  if (BillingModeSummary?.BillingMode === "PAY_PER_REQUEST" || (read === 0 && write === 0)) {
    return ok("billing", "on demand");
  }
  const detail = `provisioned, ${read} read and ${write} write units`;
  return Math.min(read, write) < fewUnits
    ? warning(
        "billing",
        `${detail}: some ${read * 2} small reads and ${write} small writes a second`,
        "raise the capacity, let it scale by itself, or bill the table on demand",
      )
    : ok("billing", detail);
}

/** Checks whether the table's TTL is what the settings want it to be. */
export const checkTtl: Check = async (patient) => {
  const { connection, layout, signal, known, settings } = patient;
  const { table: name, expiryAttribute } = layout.names;
  const { ttlSeconds } = settings;
  if (known.unusable !== undefined || known.table === undefined) {
    return [skipped("TTL", known.unusable ?? "the table is not there, or not known")];
  }
  let status: string;
  let attribute: string | undefined;
  try {
    const answer = await connection.client.send(new DescribeTimeToLiveCommand({ TableName: name }), {
      abortSignal: signal,
    });
    status = answer.TimeToLiveDescription?.TimeToLiveStatus ?? "DISABLED";
    attribute = answer.TimeToLiveDescription?.AttributeName;
  } catch (error) {
    signal.throwIfAborted();
    const { kind } = classifyError(error);
    return [skipped("TTL", kind === "unsupported" ? "the engine does not have the call" : "it cannot be described")];
  }
  const isOn = status === "ENABLED" || status === "ENABLING";
  const where = attribute === undefined ? "" : ` on '${attribute}'`;
  if (isOn && attribute !== expiryAttribute) {
    return [
      warning(
        "TTL",
        `${status}${where}, not on '${expiryAttribute}': expired entries stay in the table`,
        "disable it on that attribute, wait an hour, and start the server with ttlSeconds; or set expiryAttribute",
      ),
    ];
  }
  if (ttlSeconds !== undefined && ttlSeconds < 0) {
    return isOn
      ? [warning("TTL", `${status}${where}, and ttlSeconds wants it off`, changeAdvice("disables"))]
      : [ok("TTL", `${status}, as ttlSeconds wants it`)];
  }
  if (isOn) {
    return [ok("TTL", `${status}${where}`)];
  }
  return ttlSeconds === undefined
    ? [
        warning(
          "TTL",
          `${status}: entries that expire stay in the table, unread, and are paid for`,
          "enable it on the table, or set ttlSeconds (0: without a default expiry); ignore this if nothing expires",
        ),
      ]
    : [warning("TTL", `${status}, and ttlSeconds wants it on`, changeAdvice("enables"))];
};

function changeAdvice(verb: string): string {
  return `the server ${verb} it when it starts, if it may (dynamodb:UpdateTimeToLive)`;
}
