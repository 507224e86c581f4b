import { isEmbedded } from "../settings/is-embedded.js";
import type { Settings } from "../settings/settings.js";
import { openRemote } from "../store/dynamodb/sdk-connection.js";
import type { Clock } from "../store/layout/entry.js";
import { createItemLayout } from "../store/layout/item-layout.js";
import type { Check, Known, Patient } from "./check.js";
import { checkAccessFiles } from "./check-access-files.js";
import { checkCredentials } from "./check-credentials.js";
import { checkDataFolder } from "./check-data-folder.js";
import { checkEndpoint, checkLatency } from "./check-endpoint.js";
import { checkIdentity } from "./check-identity.js";
import { checkItems } from "./check-items.js";
import { checkJwksUrl } from "./check-jwks.js";
import { checkListen } from "./check-listen.js";
import { checkRights } from "./check-rights.js";
import { checkTable, checkTtl } from "./check-table.js";
import { type Finding, failure, ok } from "./finding.js";
import { leastPolicy } from "./rights.js";

export interface Examination {
  readonly findings: readonly Finding[];
  /** IAM policy needed; undefined for the embedded engine. */
  readonly policy?: object;
}

/** In this order: each may rely on what those before have found. */
const checks: readonly Check[] = [
  checkCredentials,
  checkEndpoint,
  checkIdentity,
  checkTable,
  checkRights,
  checkTtl,
  checkItems,
  checkLatency,
];

/** Looks at all that a server with these settings needs, and changes nothing. */
export async function examine(settings: Settings, signal: AbortSignal, clock: Clock = Date.now): Promise<Examination> {
  const own = [
    ...(await checkListen(settings)),
    ...(await checkAccessFiles(settings, clock)),
    ...(await checkJwksUrl(settings, signal)),
  ];
  if (isEmbedded(settings)) {
    return {
      findings: [
        ...own,
        ok(
          "backend",
          "the embedded engine, for development and tests; for production, set backend, or region and table",
        ),
        await checkDataFolder(settings.data),
      ],
    };
  }
  const known: Known = {};
  let connection: Patient["connection"];
  try {
    connection = await openRemote(settings);
  } catch (error) {
    return { findings: [...own, failure("region", (error as Error).message, "set region, or AWS_REGION")] };
  }
  try {
    const patient = { settings, connection, layout: createItemLayout(settings), signal, clock, known };
    const findings = [...own];
    for (const check of checks) {
      findings.push(...(await check(patient)));
    }
    return {
      findings,
      policy: leastPolicy(settings, { ...known, table: settings.table, exists: known.table !== undefined }),
    };
  } finally {
    await connection.close();
  }
}

/** The short form, for a server that has set its table up: its clock, and the rights that its calls need. */
export async function examineRunning(settings: Settings, signal: AbortSignal): Promise<readonly Finding[]> {
  const connection = await openRemote(settings);
  try {
    const patient = { settings, connection, layout: createItemLayout(settings), signal, clock: Date.now, known: {} };
    return [...(await checkEndpoint(patient)), ...(await checkRights(patient))];
  } finally {
    await connection.close();
  }
}
