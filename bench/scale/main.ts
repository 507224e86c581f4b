/**
 * How many replicas, cores, units and dollars a load takes, beside the SDK in each caller: docs/scale.md.
 *
 *     npm run scale -- --gets 100000 --incrs 20000 --hot-incrs 0.5 --value-bytes 2000
 *     npm run scale -- --simulate          # hot keys and hot counters of up to 200 replicas, in virtual time
 *     npm run scale -- --simulate --write  # the same, into docs/scale.md
 */
import { parseArgs } from "node:util";
import { replaceMarked } from "../../tools/markdown.js";
import { defaultInput, type ScaleInput, scale } from "./model.js";
import { renderScale, renderSimulations } from "./render.js";

const flags = {
  gets: "gets",
  sets: "sets",
  incrs: "incrs",
  "mget-keys": "mgetKeys",
  "value-bytes": "valueBytes",
  "hot-gets": "hotGets",
  "hot-incrs": "hotIncrs",
  callers: "callers",
  "in-flight": "inFlight",
  "latency-ms": "latencyMs",
  cores: "cores",
  utilization: "utilization",
} as const satisfies Record<string, keyof ScaleInput>;

const { values } = parseArgs({
  options: {
    ...(Object.fromEntries(Object.keys(flags).map((flag) => [flag, { type: "string" }])) as Record<
      keyof typeof flags,
      { type: "string" }
    >),
    strong: { type: "boolean", default: false },
    simulate: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

if (values.simulate) {
  const tables = renderSimulations();
  if (values.write) {
    replaceMarked("docs/scale.md", "simulation", tables);
  }
  process.stdout.write(tables);
} else {
  const given = Object.entries(flags).flatMap(([flag, name]) => {
    const text = values[flag as keyof typeof flags];
    return text === undefined ? [] : [[name, numberOf(flag, text)]];
  });
  const input: ScaleInput = { ...defaultInput, ...Object.fromEntries(given), strong: values.strong };
  process.stdout.write(renderScale(input, scale(input)));
}

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0) {
    process.stderr.write(`--${flag} takes a number from 0 on, not "${text}"\n`);
    process.exit(2);
  }
  return number;
}
