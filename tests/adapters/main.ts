/**
 * Runs the suites that Keyv publishes for its stores, of Keyv 5 and of Keyv 6, against the store beside this file. The one of Keyv 5 is
 * set up by itself; npm has none of Keyv 6, which is left out unless it is given:
 *
 *     npm run test:adapters
 *     npm run test:adapters -- --keyv-6-suite FOLDER   the sources of core/test-suite of Keyv's repository, at 9010961
 *
 * Exit code: 0 when all pass, 1 when one does not, 2 when, apart from that, something could not be had on this machine.
 */
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { installNode } from "../../tools/install-node.js";
import { installOnce, ToolMissing } from "../../tools/install-once.js";
import { print } from "../../tools/print.js";
import { startProgram } from "../../tools/programs.js";
import { root } from "../../tools/root.js";

// Before the SDK is imported: its notice about versions of 2027 would stand above every run on Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { startTestServer } = await import("../../server/test/support/test-server.js");

const { values } = parseArgs({ options: { "keyv-6-suite": { type: "string" } } });
const packages = [
  "keyv@5.6.0",
  "keyv6@npm:keyv@6.1.0",
  "@keyv/test-suite@2.1.2",
  "@faker-js/faker@10.5.0",
  "bignumber.js@11.1.5",
  "json-bigint@1.0.0",
  "vitest@4.1.12",
];
const folder = mkdtempSync(join(tmpdir(), "dynakv-adapters-"));
const server = await startTestServer();
let missing = 0;
let failed = 0;
try {
  await prepare();
  await run("Keyv 5", "keyv-5", async () => process.execPath);
  const keyv6Suite = values["keyv-6-suite"];
  if (keyv6Suite === undefined) {
    print("Keyv 6: left out; npm has no suite of it, --keyv-6-suite takes one");
  } else {
    await run("Keyv 6", "keyv-6", async () => {
      cpSync(join(keyv6Suite, "src"), join(folder, "suite-6"), { recursive: true });
      return newerNode();
    });
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
process.exitCode = failed > 0 ? 1 : missing > 0 ? 2 : 0;

async function prepare(): Promise<void> {
  const tool = { name: "keyv-suites", version: "1", pins: packages };
  const modules = await installOnce(tool, (target, step) =>
    step(["npm", "install", "--prefix", target, "--no-audit", "--no-fund", "--ignore-scripts", ...packages]),
  );
  symlinkSync(join(modules, "node_modules"), join(folder, "node_modules"));
  cpSync(join(root, "tests/adapters/suites"), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  await build({
    stdin: {
      contents: 'export * from "./tests/adapters/keyv.js"; export { createClient } from "./client/src/index.js";',
      resolveDir: root,
    },
    outfile: join(folder, "adapter.js"),
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
  });
}

/** Keyv 6 needs Node 22. */
async function newerNode(): Promise<string> {
  if (Number(process.versions.node.split(".")[0]) >= 22) {
    return process.execPath;
  }
  return installNode(22);
}

async function run(name: string, file: string, prepareNode: () => Promise<string>): Promise<void> {
  print(`== ${name}`);
  try {
    const node = await prepareNode();
    const vitest = startProgram(node, ["node_modules/vitest/vitest.mjs", "run", "--globals", file], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1", DYNAKV_ADDRESS: server.url },
      stdio: "inherit",
    });
    const [code] = (await once(vitest, "close")) as [number | null];
    failed += code === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ToolMissing)) {
      throw error;
    }
    missing++;
    print(error.message);
  }
}
