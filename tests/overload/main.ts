/**
 * Offers the server several times what it can carry, with its limiter and without. Exits with 1 when something does not hold.
 *
 *     npm run overload              # four minutes; docs/overload.md and its plot are written anew
 *     npm run overload -- --quick   # two minutes, and nothing is written
 *     npm run overload -- --deadline 250   # with other deadlines than of 500 ms, in milliseconds; nothing is written
 */
import { parseArgs } from "node:util";
import { replaceMarked } from "../../tools/markdown.js";
import { print } from "../../tools/print.js";
import { findFindings } from "./findings.js";
import { writePlot } from "./plot.js";
import { renderOverload } from "./render.js";
import { runOverload } from "./run-overload.js";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, deadline: { type: "string" } },
});

const result = await runOverload(
  values.quick ? 3000 : 6000,
  values.deadline === undefined ? undefined : Number(values.deadline),
);
const findings = findFindings(result);
const report = renderOverload(result, findings);
if (!values.quick && values.deadline === undefined) {
  replaceMarked("docs/overload.md", "overload", report);
  writePlot(result);
  print("written to docs/overload.md");
}
process.stdout.write(report);
process.exitCode = findings.every(({ holds }) => holds) ? 0 : 1;
