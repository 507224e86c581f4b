/**
 * Runs the conformance suite of Connect, gRPC and gRPC-web (connectrpc.com/conformance) against the layers of the server that
 * speak them. What is to fail stands, with its reason, in tests/conformance/known-failing.txt, and docs/conformance.md tells
 * about it.
 *
 *     npm run conformance                      all
 *     npm run conformance -- --run PATTERN     those whose names fit, with a trace
 *
 * Exit code: 0 when all was as known, 1 when something was not, 2 for wrong arguments and when the suite could not be had.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ToolMissing } from "../../tools/install-once.js";
import { root } from "../../tools/root.js";
import { installConformance } from "./install.js";

process.exitCode = await run();

async function run(): Promise<number> {
  const patterns = readArguments();
  if (patterns === undefined) {
    return 2;
  }
  try {
    const { program, schema } = await installConformance();
    const folder = join(root, "tests/conformance");
    const how = ["--mode", "server", "--conf", join(folder, "features.yaml")];
    const known = ["--known-failing", `@${join(folder, "known-failing.txt")}`];
    const which = patterns.length > 0 ? [...patterns.flatMap((pattern) => ["--run", pattern]), "--trace"] : known;
    const server = [process.execPath, "--import", "tsx", join(folder, "serve.ts"), schema];
    const { status } = spawnSync(program, [...how, ...which, "--", ...server], { cwd: root, stdio: "inherit" });
    return status === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof ToolMissing ? 2 : 1;
  }
}

function readArguments(): readonly string[] | undefined {
  try {
    return parseArgs({ options: { run: { type: "string", multiple: true, default: [] } } }).values.run;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return undefined;
  }
}
