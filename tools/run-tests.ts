/**
 * Runs the tests of both packages, a few files a process and some processes at a time. The last line is plain, for CI:
 * `N passed, N failed`.
 *
 *     npm test              all but the slow ones
 *     npm test PATTERN      the files whose path matches the pattern, slow ones too
 *     npm run test:slow     the slow ones
 *     npm run test:long     those about faults and crashes, with as many requests as the docs speak of
 */
import { availableParallelism } from "node:os";
import { provideCli } from "./build-cli.js";
import { runUvu } from "./run-uvu.js";
import { groupFiles, listTestFiles, slowTests, waitingTests } from "./test-files.js";

/** How long a process may take before it has failed: one that waits for what never comes should be told of, not waited for. */
const limitMs = process.argv.includes("--full") ? 5_400_000 : 1_200_000;

const [pattern] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const isSlowRun = process.argv.includes("--slow");
if (process.argv.includes("--full")) {
  process.env.DYNAKV_TEST_FULL = "1";
  process.env.DYNAKV_TEST_LIMIT_MS ??= String(limitMs);
}

await provideCli();

const wanted = listTestFiles().filter(isWanted);
const isWaiting = (file: string) => !isSlowRun && waitingTests.test(file);
const working = groupFiles(
  wanted.filter((file) => !isWaiting(file)),
  isSlowRun ? 1 : 9,
);
const waiting = groupFiles(wanted.filter(isWaiting), 2);
let passed = 0;
let failed = wanted.length === 0 ? 1 : 0;

/** Runs the groups of the first queue, and then those that are left of the others. */
async function work(...queues: string[][][]): Promise<void> {
  const next = () => queues.find((queue) => queue.length > 0)?.shift();
  for (let group = next(); group !== undefined; group = next()) {
    const startedAt = performance.now();
    const run = await runUvu(`^(${group.join("|").replaceAll(".", "\\.")})$`, { limitMs });
    // A file that runs no suite has no line of its own, and has failed.
    const suites = run.output.match(/\(\d+ \/ \d+\)/g)?.length ?? 0;
    const failedHere = run.failed + (run.failed === 0 && suites < group.length ? 1 : 0);
    passed += run.passed;
    failed += failedHere;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${group.join(", ")}: ${run.passed} passed, ${failedHere} failed (${seconds} s)\n`);
    if (failedHere > 0) {
      process.stdout.write(`${run.output}\n`);
    }
  }
}

// Many of them wait as long as they work. More than a few would only wait for each other's engines, but for those that do little else.
await Promise.all([
  ...Array.from({ length: Math.min(availableParallelism() + 2, 4) }, () => work(working, waiting)),
  ...Array.from({ length: 2 }, () => work(waiting)),
]);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function isWanted(file: string): boolean {
  return pattern === undefined ? slowTests.test(file) === isSlowRun : new RegExp(pattern).test(file);
}
