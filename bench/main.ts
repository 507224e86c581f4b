/**
 * Measures dynakv beside the AWS SDK and Celery's way.
 *
 *     npm run bench                      # all of it, a quarter of an hour; docs/bench.md and its plots are written anew
 *     npm run bench -- --quick [--json]  # what is measured for lines 1, 2, 4 and 5 of the targets, in four minutes
 *     npm run bench -- --rows mget-10000,set-64  # some rows alone, in the medians of five rounds
 */
import { parseArgs } from "node:util";
import { replaceMarked } from "../tools/markdown.js";
import { print } from "../tools/print.js";
import { findGoals, findOtherGoals } from "./goals.js";
import { measureNativeLoad } from "./native-load.js";
import { writePlots } from "./report/plots.js";
import { renderGoals } from "./report/render-goals.js";
import { renderReport, renderRows } from "./report/render-report.js";
import { type RowResult, runRounds } from "./rounds.js";
import { embeddedRows, fullRows, millionRow, quickRows, rowsNamed } from "./rows.js";
import { measureStartUp } from "./start-up.js";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rows: { type: "string" },
    rounds: { type: "string", default: "5" },
  },
});

if (values.rows !== undefined) {
  const rows = rowsNamed(values.rows.split(","));
  process.stdout.write(
    renderRows(await runRounds({ engine: "endpoint", rows, rounds: Number(values.rounds), milliseconds: 1000 })),
  );
} else if (values.quick) {
  const goals = findGoals(await runRounds({ engine: "endpoint", rows: quickRows, rounds: 3, milliseconds: 1500 }));
  process.stdout.write(values.json ? `${JSON.stringify(goals)}\n` : renderGoals(goals));
} else {
  const startUp = await measureStartUp();
  const native = await measureNativeLoad();
  const endpoint = await runRounds({ engine: "endpoint", rows: fullRows, rounds: 3, milliseconds: 1000 });
  const embedded = await runRounds({ engine: "embedded", rows: embeddedRows, rounds: 3, milliseconds: 700 });
  const [million] = await runRounds({ engine: "endpoint", rows: [millionRow], rounds: 1, milliseconds: 1 });
  const goals = [...findGoals(endpoint), ...findOtherGoals({ startUp, native })];
  goals.sort((a, b) => a.line - b.line);
  const report = renderReport({ goals, endpoint, embedded, million: million as RowResult, startUp, native });
  replaceMarked("docs/bench.md", "bench", report);
  writePlots([...endpoint, million as RowResult]);
  print("written to docs/bench.md");
  process.stdout.write(values.json ? `${JSON.stringify(goals)}\n` : report);
}
