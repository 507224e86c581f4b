/**
 * Sends hostile input to every port of a server, and random settings to what reads them, and holds the server to its promises
 * meanwhile: docs/hostile-input.md.
 *
 *     npm run fuzz -- [--inputs N] [--seed S] [--only KIND]
 *     npm run fuzz -- --seed S --input K --only KIND     one input again
 *
 * Exit code: 0 when nothing was found, 1 when something was, 2 for wrong arguments.
 */
import { parseArgs } from "node:util";
import { inputKinds } from "./kinds.js";
import { renderReport } from "./report.js";
import { runFuzz } from "./run/run-fuzz.js";
import { runSettingsFuzz } from "./settings/run-settings-fuzz.js";

const print = (text: string) => process.stdout.write(text);

process.exitCode = await run();

async function run(): Promise<number> {
  const options = readArguments();
  if (options === undefined) {
    return 2;
  }
  const { inputs, seed, only } = options;
  let found = 0;
  if (only !== "settings") {
    const report = await runFuzz({ ...options, print });
    print(renderReport(report));
    found += report.findings.size;
  }
  if (only === undefined || only === "settings") {
    const { findings, kinds } = runSettingsFuzz({ seed, inputs, print });
    print(`\nsettings: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ")}\n`);
    found += findings.size;
  }
  print(found === 0 ? `\nnothing found; seed ${seed}\n` : `\n${found} found; seed ${seed}\n`);
  return found === 0 ? 0 : 1;
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string", default: "10000" },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        input: { type: "string" },
        only: { type: "string" },
      },
    });
    const { input, only } = values;
    const names = [...inputKinds.map(({ name }) => name), "settings"];
    if (only !== undefined && !names.includes(only)) {
      throw new Error(`--only is '${only}', which is none of ${names.join(", ")}`);
    }
    return {
      seed: wholeNumber("seed", values.seed),
      inputs: input === undefined ? wholeNumber("inputs", values.inputs) : 1,
      from: input === undefined ? 0 : wholeNumber("input", input),
      only,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return undefined;
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new Error(`--${name} is '${text}', which is not a whole number`);
  }
  return Number(text);
}
