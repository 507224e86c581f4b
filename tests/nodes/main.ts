/**
 * Runs the tests on another release of Node, which is set up by itself:
 *
 *     npm run test:node24
 *     npm run test:node22
 *     npm run test:node24 -- settings     the files whose path matches the pattern
 *
 * Ends with 2 where that Node cannot be had, or runs this already.
 */
import { once } from "node:events";
import { dirname } from "node:path";
import { installNode, nodeVersions } from "../../tools/install-node.js";
import { ToolMissing } from "../../tools/install-once.js";
import { print } from "../../tools/print.js";
import { startProgram } from "../../tools/programs.js";
import { root } from "../../tools/root.js";

const [release = "", ...others] = process.argv.slice(2);
const releases = Object.keys(nodeVersions).map(Number) as (keyof typeof nodeVersions)[];

async function main(): Promise<number> {
  const known = releases.find((each) => String(each) === release);
  if (known === undefined) {
    print(`no release of Node: '${release}'; give one of ${releases.join(", ")}`);
    return 1;
  }
  if (process.version.startsWith(`v${release}.`)) {
    print(`this is Node ${release}: npm test runs the tests on it`);
    return 2;
  }
  const file = await installNode(known);
  const tests = startProgram(file, ["--import", "tsx", "tools/run-tests.ts", ...others], {
    cwd: root,
    // What tests start by the name of node is to be this one as well.
    env: { ...process.env, PATH: `${dirname(file)}:${process.env.PATH}` },
    stdio: "inherit",
  });
  const [code] = (await once(tests, "close")) as [number | null];
  return code ?? 1;
}

process.exitCode = await main().catch((error: Error) => {
  print(error instanceof ToolMissing ? error.message : `${error.stack}`);
  return error instanceof ToolMissing ? 2 : 1;
});
