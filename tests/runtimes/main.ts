/**
 * Tries the packed client in other runtimes, bundlers, test runners and frameworks, each set up by itself in an empty folder:
 *
 *     npm run test:runtimes
 *     npm run test:runtimes -- deno jest     those whose name has one of the words
 *     npm run test:runtimes -- --write       all, and the table goes into docs/runtimes.md
 *
 * Exit code: 0 when all work, 1 when one does not, 2 when some could not be had here and the others work.
 */
import { ToolMissing } from "../../tools/install-once.js";
import { renderTable, replaceMarked } from "../../tools/markdown.js";
import { bundlers } from "./cases/bundlers.js";
import type { Row } from "./cases/case.js";
import { frameworks } from "./cases/frameworks.js";
import { programs } from "./cases/programs.js";
import { testRunners } from "./cases/test-runners.js";
import { types } from "./cases/types.js";
import { workers } from "./cases/workers.js";
import { openWorkshop } from "./workshop.js";

const cases = [...programs, ...workers, ...bundlers, ...testRunners, ...frameworks, ...types];
const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const chosen = cases.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase())),
);

async function main(): Promise<number> {
  const rows: (readonly [name: string, row: Row])[] = [];
  const left = { missing: 0, failed: 0 };
  const workshop = await openWorkshop();
  try {
    for (const { name, try: tryIt } of chosen) {
      try {
        const row = await tryIt(workshop);
        if (!/^(gRPC|over fetch|types)$/.test(row.client)) {
          throw new Error(`it printed ${row.client}`);
        }
        rows.push([name, row]);
        print(`ok - ${name} ${row.version}: ${row.client}; ${row.note ?? ""}`);
      } catch (error) {
        const isMissing = error instanceof ToolMissing;
        left[isMissing ? "missing" : "failed"]++;
        print(`${isMissing ? "not tested" : "not ok"} - ${name}: ${(error as Error).message}`);
      }
    }
  } finally {
    await workshop.close();
  }
  if (process.argv.includes("--write") && rows.length === cases.length) {
    const cells = rows.map(([name, { version, client, note = "" }]) => [name, version, client, note]);
    replaceMarked("docs/runtimes.md", "runtimes", renderTable(["where", "version", "client", "to know"], cells));
  }
  print(`\n${rows.length} passed, ${left.failed} failed`);
  return left.failed > 0 || rows.length + left.missing === 0 ? 1 : left.missing > 0 ? 2 : 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
