/**
 * Lets many clients loose on several servers, spoils what lies between servers and engine, and checks the history of every
 * key for linearizability. Each seed draws its own clients, calls and faults. What it draws can be had again; what meets
 * what in time cannot, so a seed that has failed may need several replays to fail again.
 *
 *     npm run test:histories -- [--seeds N] [--from S] [--seed S] [--ops N] [--verbose]
 *     npm run test:histories -- --broken NAME|all [--seeds N]
 */
import { parseArgs } from "node:util";
import { runBroken } from "./broken/run-broken.js";
import { describeRun, describeSeed } from "./run/describe-reports.js";
import { type RunOptions, runSeeds } from "./run/run-seeds.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    ops: { type: "string", default: "150" },
    broken: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const options: RunOptions = {
  seeds: values.seed === undefined ? wholeNumber("seeds", values.seeds) : 1,
  from: values.seed === undefined ? wholeNumber("from", values.from) : wholeNumber("seed", values.seed),
  operations: wholeNumber("ops", values.ops),
};
const isGood = values.broken === undefined ? await runGood() : await runBroken(values.broken, options);
process.exitCode = isGood ? 0 : 1;

async function runGood(): Promise<boolean> {
  const startedAt = performance.now();
  const reports = await runSeeds(options, (report) => {
    const { seed, failure } = report;
    if (values.verbose || failure !== undefined) {
      print(describeSeed(report));
    }
    if (failure !== undefined) {
      print(`violation: ${failure.summary}\n${failure.rendering}`);
      print(`replay: npm run test:histories -- --seed ${seed} --ops ${options.operations}`);
    }
  });
  print(describeRun(reports, (performance.now() - startedAt) / 1000));
  return reports.length > 0 && reports.every(({ failure }) => failure === undefined);
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    process.stderr.write(`--${name} is '${text}', which is not a whole number\n`);
    process.exit(2);
  }
  return Number(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
