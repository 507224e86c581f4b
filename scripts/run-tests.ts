/**
 * Runs the tests of both packages. The last line is plain, for CI: `N passed, N failed`.
 *
 *     npm test [PATTERN]    only the files whose path matches the pattern
 *     npm run test:long     those about faults and crashes, with as many requests as the docs speak of
 */
import { runUvu } from "./run-uvu.js";

const [wanted = ""] = process.argv.slice(2).filter((argument) => argument !== "--full");
if (process.argv.includes("--full")) {
  process.env.DYNAKV_TEST_FULL = "1";
}
const { passed, failed } = await runUvu(`(client|server)/test/[^/]*${wanted}[^/]*\\.test\\.ts$`, {
  onOutput: (text, stream) => process[stream].write(text),
});
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
