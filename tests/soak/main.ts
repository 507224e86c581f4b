/**
 * Runs servers under a mixed load with faults for as long as it is told, and checks that they neither grow nor forget:
 * docs/hostile-input.md.
 *
 *     npm run soak -- [--minutes N] [--seed S]
 *
 * Exit code: 0 when all was well, 1 when something was not, 2 for wrong arguments.
 */
import { parseArgs } from "node:util";
import { renderTable } from "../../tools/markdown.js";
import { growthOf, heldBytes, megabytes, type Sample } from "../../tools/process-monitor/trend.js";
import { afterWarmUp, runSoak, type SoakReport } from "./run-soak.js";

const print = (text: string) => process.stdout.write(text);

process.exitCode = await run();

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
    process.stderr.write("--minutes is a number above 0, and --seed a whole one\n");
    return 2;
  }
  const report = await runSoak({ minutes, seed, print });
  print(renderReport(report, minutes));
  print(
    report.findings.size === 0 ? `\nall was well; seed ${seed}\n` : `\n${report.findings.size} found; seed ${seed}\n`,
  );
  return report.findings.size === 0 ? 0 : 1;
}

function renderReport({ turns, increments, restarts, faults, samples, findings }: SoakReport, minutes: number): string {
  const memory = [...samples].map(([name, all]) => {
    const later = afterWarmUp(all);
    const perHour = (quantity: (sample: Sample) => number) =>
      megabytes((growthOf(later, quantity) / ((later.at(-1)?.at ?? 0) - (later[0]?.at ?? 0))) * 3_600_000);
    const ends = (quantity: (sample: Sample) => number) =>
      [all[0], later[0], all.at(-1)]
        .map((sample) => (sample === undefined ? "" : megabytes(quantity(sample))))
        .join(" → ");
    const rss = ({ rssBytes }: Sample) => rssBytes;
    return [name, ends(heldBytes), perHour(heldBytes), ends(rss), perHour(rss)];
  });
  return [
    `\n${minutes} minutes, ${restarts} restarts, ${faults} faults, ${increments} increments\n\n`,
    renderTable(["replica", "MB held: first → warm → last", "MB an hour", "MB resident", "MB an hour"], memory),
    "\n",
    renderTable(
      ["turns", "number"],
      [...turns].map(([name, n]) => [name, String(n)]),
    ),
    ...[...findings].map(([problem, times]) => `- ${problem} (${times} times)\n`),
  ].join("");
}
