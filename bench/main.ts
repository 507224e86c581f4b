/**
 * Measures dynakv beside the AWS SDK and Celery's way.
 *
 *     npm run bench                      # all of it, and docs/bench.md and its plots are written anew
 *     npm run bench -- --quick [--json]  # the ratios that the goal names, in some minutes
 */
import { parseArgs } from "node:util";
import { findGoals } from "./goals.js";
import { renderGoals } from "./report/render-goals.js";
import { runRounds } from "./rounds.js";
import { quickRows } from "./rows.js";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});

const endpoint = await runRounds({ engine: "endpoint", rows: quickRows, rounds: 3, milliseconds: 1500 });
const goals = findGoals(endpoint);
process.stdout.write(values.json ? `${JSON.stringify(goals)}\n` : renderGoals(goals));
