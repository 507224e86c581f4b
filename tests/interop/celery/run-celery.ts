import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../../client/src/index.js";
import type { Cell, Column } from "../column.js";
import type { InteropEngine } from "../interop-engine.js";
import { runCommand } from "../run-command.js";
import { type ServedDynakv, serveDynakv } from "../serve-dynakv.js";
import { celeryEnvironment, celeryFolder, startCeleryDriver } from "./celery-driver.js";
import { startCeleryWorker } from "./celery-worker.js";
import { checks, type SharedTable } from "./checks.js";
import { createKeyValue } from "./key-value.js";

/**
 * Celery on a table that dynakv has made, and dynakv on one that Celery has made: a column for each. And whether this Celery
 * writes what the tests of the client read.
 */
export async function runCelery(python: string, version: string, engine: InteropEngine): Promise<Column[]> {
  const cells = [await compareWritten(python)];
  const columns: Column[] = [{ table: "what Celery writes", title: `Celery ${version}`, cells }];
  for (const maker of ["dynakv", "Celery"] as const) {
    const cells = await checkTable(python, engine, maker);
    columns.push({ table: "Celery", title: `Celery ${version}, on a table made by ${maker}`, cells });
  }
  return columns;
}

async function compareWritten(python: string): Promise<Cell> {
  const row = "results of all kinds are those that the tests of `@dynakv/client/celery` read";
  const script = [join(celeryFolder, "write_results.py"), "--compare", join(celeryFolder, "written-results.jsonl")];
  const { code, stdout, stderr } = await runCommand(python, script);
  return code === 0 ? { row, text: "the same" } : { row, text: "**other**", problem: `${stdout}${stderr}` };
}

async function checkTable(python: string, engine: InteropEngine, maker: "dynakv" | "Celery"): Promise<Cell[]> {
  const table = `made-by-${maker.toLowerCase()}`;
  const backend = engine.backendOf(table);
  const folder = mkdtempSync(join(tmpdir(), "dynakv-interop-"));
  const clear = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.on("exit", clear);
  const environment = celeryEnvironment(backend, folder);
  const celery = startCeleryDriver(python, environment);
  const started: { stop(): Promise<void> }[] = [celery];
  try {
    const server = await makeTable(maker, backend, () => celery.createTable());
    started.unshift(server);
    const worker = startCeleryWorker(python, environment, table);
    started.unshift(worker);
    const celeryWithExpiry = engine.hasTtlCalls
      ? startCeleryDriver(python, celeryEnvironment(`${backend}?ttl_seconds=3600`, folder))
      : undefined;
    started.unshift(...(celeryWithExpiry === undefined ? [] : [celeryWithExpiry]));
    const client = createClient({ address: server.url });
    started.unshift({ stop: async () => client.close() });
    return await runChecks(
      { celery, celeryWithExpiry, dynakv: createKeyValue(server.url), client, folder },
      worker.log,
    );
  } finally {
    for (const each of started) {
      await each.stop();
    }
    clear();
    process.off("exit", clear);
  }
}

/** The one that did not make the table finds it there; dynakv may not even make one. */
async function makeTable(maker: string, backend: string, createTable: () => Promise<void>): Promise<ServedDynakv> {
  if (maker === "dynakv") {
    return serveDynakv(backend);
  }
  await createTable();
  return serveDynakv(backend, { DYNAKV_CREATE_TABLE: "false" });
}

async function runChecks(shared: SharedTable, log: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const { row, needsTtlCalls, run } of checks) {
    if (needsTtlCalls && shared.celeryWithExpiry === undefined) {
      cells.push({ row, text: "left out: the engine has no TTL calls" });
      continue;
    }
    try {
      await run(shared);
      cells.push({ row, text: "passed" });
    } catch (error) {
      const problem = `${(error as Error).message}\n  the worker's output is in ${log}`;
      cells.push({ row, text: "**failed**", problem });
    }
  }
  return cells;
}
