/**
 * Checks the dashboard, the rules and the page of metrics by promtool: the page itself, that the rules and each query of the
 * dashboard are right, that every metric in them is on the page, and the rules' own tests.
 *
 *     npm run check:metrics
 *
 * Exit code: 0 when all is right, 1 when something is not, 2 when promtool could not be had.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  dashboardFile,
  metricsInUse,
  readDashboardQueries,
  rulesFile,
  rulesTestFile,
  seriesOf,
} from "../../server/test/support/metric-queries.js";
import { ToolMissing } from "../../tools/install-once.js";
import { root } from "../../tools/root.js";
import { installPromtool } from "./promtool.js";
import { readPageAfterCalls } from "./serve-and-call.js";

process.exitCode = await check();

async function check(): Promise<number> {
  try {
    const promtool = await installPromtool();
    const page = await readPageAfterCalls();
    const results = [
      run("the page", promtool, ["check", "metrics"], page),
      run(rulesFile, promtool, ["check", "rules", rulesFile]),
      run(rulesTestFile, promtool, ["test", "rules", rulesTestFile]),
      checkQueries(promtool),
      checkNames(page),
    ];
    return results.every((right) => right) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof ToolMissing ? 2 : 1;
  }
}

function run(what: string, promtool: string, args: readonly string[], input = ""): boolean {
  const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: root, input, encoding: "utf8" });
  const right = status === 0;
  process.stdout.write(`${right ? "ok    " : "WRONG "} ${what}\n${right ? "" : `${stdout}${stderr}\n`}`);
  return right;
}

/** promtool reads queries in rules alone, so each becomes one. JSON is YAML as well. */
function checkQueries(promtool: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), "dynakv-queries-"));
  try {
    const rules = readDashboardQueries().map(({ panel, expression }, index) => ({
      record: `dashboard:query_${index}`,
      expr: expression,
      labels: { panel },
    }));
    const file = join(folder, "queries.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    return run(`${dashboardFile}: ${rules.length} queries`, promtool, ["check", "rules", file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function checkNames(page: string): boolean {
  const series = seriesOf(page);
  const used = metricsInUse();
  const missing = [...used].filter((name) => !series.has(name));
  const right = missing.length === 0 && used.size > 0;
  process.stdout.write(
    `${right ? "ok    " : "WRONG "} ${used.size} metrics are used${missing.map((name) => `\n  not on the page: ${name}`).join("")}\n`,
  );
  return right;
}
