/**
 * Tries other people's clients, and Celery, with dynakv, each set up by itself, and prints side by side what they were
 * answered.
 *
 *     npm run interop                        all
 *     npm run interop -- celery grpcurl      only those named
 *     npm run interop -- --engine moto       on another engine than the embedded one
 *     npm run interop -- --write             all, and the results go into docs/interop.md
 *
 * Exit code: 0 when all was as it should be, 1 when something was not, 2 for wrong arguments and when, apart from that,
 * something could not be had on this machine.
 */
import { parseArgs } from "node:util";
import type { Column } from "./column.js";
import type { Grounds, Part } from "./parts.js";

// Before the SDK is imported: its notice about versions of 2027 would stand above every run on Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
process.env.AWS_EC2_METADATA_DISABLED ??= "true";
const { ToolMissing } = await import("../../tools/install-once.js");
const { answerCases, describeAnswers } = await import("./cases/run-cases.js");
const { connectClients } = await import("./clients/generated.js");
const { engineNames, startInteropEngine } = await import("./interop-engine.js");
const { parts } = await import("./parts.js");
const { describeProblems, renderReport, writeReport } = await import("./report.js");
const { serveDynakv } = await import("./serve-dynakv.js");

const { chosen, engineName, write } = readArguments();
const found = new Map<Part, Column[]>();
let missing = 0;
let broken = 0;
try {
  await runParts();
} catch (error) {
  reportFailure(engineName, error);
}

const columns = chosen.flatMap((part) => found.get(part) ?? []);
if (columns.length > 0) {
  const report = renderReport(
    columns.some(({ table }) => table === "case") ? [describeAnswers(), ...columns] : columns,
  );
  process.stdout.write(`\n${report}`);
  const problems = describeProblems(columns);
  broken += problems.length;
  process.stdout.write(problems.map((problem) => `\n${problem}\n`).join(""));
  if (write && missing + broken === 0) {
    writeReport(report);
    process.stdout.write("\nwritten to docs/interop.md\n");
  } else if (write) {
    process.stderr.write("\nnot written to docs/interop.md: not all was as it should be\n");
  }
}
process.exitCode = broken > 0 ? 1 : missing > 0 ? 2 : 0;

async function runParts(): Promise<void> {
  const engine = await startInteropEngine(engineName);
  process.stdout.write(`on ${engine.title}\n`);
  try {
    const server = await serveDynakv(engine.backendOf("interop"));
    try {
      const [client] = connectClients(server.url);
      if (client === undefined) {
        throw new Error("there is no first client");
      }
      const first = await answerCases(client);
      const grounds = { engine, server, first };
      // Those that have servers of their own, and wait for their workers, run beside the others.
      const partsOf = (isApart: boolean) => chosen.filter((part) => part.isApart === isApart);
      await Promise.all([true, false].map((isApart) => runInTurn(partsOf(isApart), grounds)));
    } finally {
      await server.stop();
    }
  } finally {
    await engine.stop();
  }
}

async function runInTurn(some: readonly Part[], grounds: Grounds): Promise<void> {
  for (const part of some) {
    const began = Date.now();
    try {
      found.set(part, await part.run(grounds));
      process.stdout.write(`${part.name}: ${Math.round((Date.now() - began) / 1000)} s\n`);
    } catch (error) {
      reportFailure(part.name, error);
    }
  }
}

function reportFailure(name: string, error: unknown): void {
  const isMissing = error instanceof ToolMissing;
  missing += isMissing ? 1 : 0;
  broken += isMissing ? 0 : 1;
  process.stderr.write(`${name}: ${(error as Error).message}\n`);
}

function readArguments(): { chosen: readonly Part[]; engineName: string; write: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { engine: { type: "string", default: "embedded" }, write: { type: "boolean", default: false } },
    });
    const { engine, write } = values;
    if (write && (engine !== "embedded" || positionals.length > 0)) {
      throw new Error("--write is for a run of all on the embedded engine");
    }
    if (!engineNames.includes(engine)) {
      throw new Error(`no engine '${engine}': there are ${engineNames.join(", ")}`);
    }
    const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
    if (unknown !== undefined) {
      throw new Error(`no '${unknown}': there are ${parts.map(({ name }) => name).join(", ")}`);
    }
    const chosen = positionals.length === 0 ? parts : parts.filter(({ name }) => positionals.includes(name));
    return { chosen, engineName: engine, write };
  } catch (error) {
    process.stderr.write(`interop: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
