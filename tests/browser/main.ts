/**
 * Runs the tests in real browsers, Chromium and Firefox, those that are on this machine:
 *
 *     npm run test:browser
 *     npm run test:browser -- firefox           in one of them
 *     npm run test:browser -- web-client        the files whose name matches the pattern
 *
 * Ends with 2 where there is no browser.
 */
import { print } from "../../tools/print.js";
import { runUvu } from "../../tools/run-uvu.js";
import { installBrowsers } from "./install-browsers.js";
import { type BrowserName, browserNames, browsersHere } from "./support/find-browsers.js";

/** Starting browsers takes seconds each, and minutes on a machine that is busy with others. */
const limitMs = 1_200_000;

async function main(): Promise<number> {
  const named = process.argv.slice(2);
  const chosen = named.filter((name): name is BrowserName => browserNames.some((each) => each === name));
  const [pattern = ""] = named.filter((name) => !browserNames.some((each) => each === name));
  if (chosen.length > 0) {
    process.env.DYNAKV_TEST_BROWSERS = chosen.join(",");
  }
  await installBrowsers();
  if (browsersHere().length === 0) {
    return 2;
  }
  const onOutput = (text: string) => process.stdout.write(text);
  const { passed, failed } = await runUvu(`^tests/browser/.*${pattern}.*\\.browser\\.ts$`, { onOutput, limitMs });
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error: Error) => {
  print(`${error.stack}`);
  return 1;
});
