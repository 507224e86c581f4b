/**
 * Runs the checks. The last line is plain, for CI: `N passed, N failed`, of the tests and of one for each step.
 *
 *     npm run check        those of every change
 *     npm run check:all    all that CI runs
 *
 * What could not be set up here, for want of Go, of Python or of their packages, is named and counted nowhere.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, runSteps } from "./run-steps.js";
import { stepsOf } from "./steps.js";

const minute = 60_000;
// Where steps find what another has packed: tests/packages/pack.ts.
const packed = mkdtempSync(join(tmpdir(), "dynakv-packed-"));
process.once("exit", () => rmSync(packed, { recursive: true, force: true }));
process.env.DYNAKV_TEST_PACKED = packed;
const outcomes = await runSteps(stepsOf({ all: process.argv.includes("--all") }), {
  // Steps wait for engines, for workers and for browsers: one more than there are cores keeps them all busy.
  slots: Math.min(availableParallelism() + 1, 6),
  stepLimitMs: 30 * minute,
  // CI ends a run after 90 minutes, without a word on what had failed by then.
  limitMs: 80 * minute,
  write: (text) => process.stdout.write(text),
});

for (const { step, state, seconds, isUnsteady } of outcomes) {
  const note = isUnsteady ? ", UNSTEADY: it failed beside other steps, as told above, and passed by itself" : "";
  process.stdout.write(`${state.padEnd(10)} ${`${seconds.toFixed(0)} s`.padStart(6)}  ${step.name}${note}\n`);
}
const passed = count("passed");
const failed = count("failed");
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function count(state: "passed" | "failed"): number {
  const ofTests = outcomes.reduce((sum, { tests }) => sum + tests[state], 0);
  return ofTests + outcomes.filter((outcome: Outcome) => outcome.state === state).length;
}
