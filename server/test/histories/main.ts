/**
 * Lets many clients loose on several servers, spoils what lies between servers and engine, and checks the history of every
 * key for linearizability. Each seed is a run of its own.
 *
 *     npm run test:histories -- [--seeds N] [--from S] [--seed S] [--ops N] [--verbose]
 *     npm run test:histories -- --broken NAME|all [--seeds N]
 */
import { parseArgs } from "node:util";
import { runBroken } from "./broken/run-broken.js";
import { runSeeds } from "./run/run-seeds.js";

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

const seeds = values.seed === undefined ? wholeNumber("seeds", values.seeds) : 1;
const from = wholeNumber(values.seed === undefined ? "from" : "seed", values.seed ?? values.from);
const operations = wholeNumber("ops", values.ops);
const isGood =
  values.broken === undefined
    ? await runSeeds({ from, seeds, operations, verbose: values.verbose })
    : await runBroken(values.broken, { from, seeds, operations });
process.exitCode = isGood ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    process.stderr.write(`--${name} is '${text}', which is not a whole number\n`);
    process.exit(2);
  }
  return Number(text);
}
