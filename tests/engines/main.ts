/**
 * Runs the tests of behaviour against other people's engines too, each set up by itself, and prints the results side by side.
 *
 *     npm run test:engines                         all: embedded, moto, dynoxide, extenddb
 *     npm run test:engines -- moto                 only those named
 *     npm run test:engines -- --endpoint URL       only the engine there
 *     npm run test:engines -- --write              all, and the results go into docs/engines.md
 *
 * Exit code: 0 when every test passed or is known to fail, 1 when another failed, 2 for wrong arguments and when, apart from
 * that, an engine could not be had on this machine.
 */
import { parseArgs } from "node:util";
import type { Engine } from "./engines.js";
import type { EngineResult } from "./report.js";

// Before the SDK is imported: its notice about versions of 2027 would stand above every run on Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
process.env.AWS_EC2_METADATA_DISABLED ??= "true";
const { engineAt, engines } = await import("./engines.js");
const { ToolMissing } = await import("../../tools/install-once.js");
const { renderReport, writeReport } = await import("./report.js");
const { testEngine } = await import("./test-engine.js");
const { provideCli } = await import("../../tools/build-cli.js");

const { chosen, write } = readArguments();
await provideCli();
const results: EngineResult[] = [];
let missing = 0;
let broken = 0;
for (const engine of chosen) {
  process.stdout.write(`\n== ${engine.title}\n`);
  try {
    results.push(await testEngine(engine));
  } catch (error) {
    const isMissing = error instanceof ToolMissing;
    missing += isMissing ? 1 : 0;
    broken += isMissing ? 0 : 1;
    process.stderr.write(`${engine.name}: ${(error as Error).message}\n`);
  }
}

if (results.length > 0) {
  const report = renderReport(results);
  process.stdout.write(`\n${report}`);
  if (write && missing + broken === 0) {
    writeReport(report);
    process.stdout.write("\nwritten to docs/engines.md\n");
  } else if (write) {
    process.stderr.write("\nnot written to docs/engines.md: not every engine was tested\n");
  }
}
const failed = results.some(({ suites }) => suites.some((suite) => suite.failed.length > 0));
process.exitCode = failed || broken > 0 ? 1 : missing > 0 ? 2 : 0;

function readArguments(): { chosen: readonly Engine[]; write: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { endpoint: { type: "string" }, write: { type: "boolean", default: false } },
    });
    const { endpoint, write } = values;
    if (write && (endpoint !== undefined || positionals.length > 0)) {
      throw new Error("--write is for a run of all engines");
    }
    if (endpoint !== undefined) {
      if (positionals.length > 0) {
        throw new Error("name engines, or an endpoint");
      }
      return { chosen: [engineAt(endpoint)], write };
    }
    const unknown = positionals.find((name) => !engines.some((engine) => engine.name === name));
    if (unknown !== undefined) {
      throw new Error(`no engine '${unknown}': there are ${engines.map(({ name }) => name).join(", ")}`);
    }
    return {
      chosen: positionals.length === 0 ? engines : engines.filter(({ name }) => positionals.includes(name)),
      write,
    };
  } catch (error) {
    process.stderr.write(`test:engines: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
