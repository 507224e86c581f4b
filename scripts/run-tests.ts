/**
 * Runs the tests of both packages. uvu ends with 0 also when a suite stopped short: here every test that was counted must
 * have passed. The last line is plain, for CI: `N passed, N failed`.
 *
 *     npm test [PATTERN]    only the files whose path matches the pattern
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [wanted = ""] = process.argv.slice(2);
const pattern = `(client|server)/test/[^/]*${wanted}[^/]*\\.test\\.ts$`;

const runner = spawn(
  process.execPath,
  ["--import", "tsx", "node_modules/uvu/bin.js", ".", pattern, "-i", "node_modules", "-i", "dist"],
  {
    cwd: root,
    env: {
      ...process.env,
      // The SDK's notice about versions of 2027 would stand above every run on Node 20.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // No test may ask an instance's metadata for credentials.
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stdio: ["ignore", "pipe", "inherit"],
  },
);
let output = "";
runner.stdout.setEncoding("utf8").on("data", (text: string) => {
  output += text;
  process.stdout.write(text);
});
const [code] = (await once(runner, "close")) as [number | null];

const total = readCount("Total");
const passed = readCount("Passed");
// A run that broke off has counted nothing, or not all.
const failed = Math.max(total - passed, code === 0 && total > 0 ? 0 : 1);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function readCount(name: string): number {
  const colors = "(?:\\u001b\\[\\d+m)*";
  return Number(new RegExp(`${name}:\\s*${colors}\\s*(\\d+)`).exec(output)?.[1] ?? 0);
}
