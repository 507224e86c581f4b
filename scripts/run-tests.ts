/**
 * Runs the tests of both packages, a file a process, as many at a time as there are cores. The last line is plain, for CI:
 * `N passed, N failed`.
 *
 *     npm test [PATTERN]    only the files whose path matches the pattern
 *     npm run test:long     those about faults and crashes, with as many requests as the docs speak of
 */
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { root, runUvu } from "./run-uvu.js";

const [wanted = ""] = process.argv.slice(2).filter((argument) => argument !== "--full");
if (process.argv.includes("--full")) {
  process.env.DYNAKV_TEST_FULL = "1";
}

const files = (await Promise.all(["client/test", "server/test"].map(listTests))).flat();
const queue = files.filter((file) => new RegExp(wanted).test(file));
let passed = 0;
let failed = queue.length === 0 ? 1 : 0;

async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const startedAt = performance.now();
    const run = await runUvu(`^${file.replaceAll(".", "\\.")}$`);
    passed += run.passed;
    failed += run.failed;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${file}: ${run.passed} passed, ${run.failed} failed (${seconds} s)\n`);
    if (run.failed > 0) {
      process.stdout.write(`${run.output}\n`);
    }
  }
}

// More than a few would only wait for each other's engines.
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function listTests(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder));
  return names.filter((name) => name.endsWith(".test.ts")).map((name) => `${folder}/${name}`);
}
