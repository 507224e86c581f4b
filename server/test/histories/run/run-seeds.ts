import { startReplicas } from "./replicas.js";
import { runSeed, type SeedReport } from "./run-seed.js";

export interface RunOptions {
  readonly from: number;
  readonly seeds: number;
  /** About how many operations each seed has. */
  readonly operations: number;
  /** Whether each seed prints a line. */
  readonly verbose: boolean;
}

const replicaCount = 3;

/** Runs seeds until one fails, and prints what they brought. Resolves to whether all were good. */
export async function runSeeds({ from, seeds, operations, verbose }: RunOptions): Promise<boolean> {
  const startedAt = performance.now();
  const replicas = await startReplicas(replicaCount);
  const reports: SeedReport[] = [];
  try {
    for (let seed = from; seed < from + seeds; seed++) {
      const report = await runSeed(replicas, seed, operations);
      reports.push(report);
      if (verbose || report.failure !== undefined) {
        print(describeSeed(report));
      }
      if (report.failure !== undefined) {
        print(`violation: ${report.failure.summary}\n${report.failure.rendering}`);
        print(`replay: npm run test:histories -- --seed ${seed} --ops ${operations}`);
        break;
      }
    }
  } finally {
    await replicas.stop();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  print(
    [
      `${reports.length} seeds`,
      `${reports.reduce((sum, report) => sum + report.operations, 0)} operations`,
      `unknown: ${describe(sumUp(reports.map(({ unknown }) => unknown)))}`,
      `faults: ${describe(sumUp(reports.map(({ faults }) => faults)))}`,
      `at most ${Math.max(...reports.map(({ visited }) => visited))} states a key`,
      `${(reports.length / seconds).toFixed(2)} seeds a second`,
    ].join("; "),
  );
  return reports.every(({ failure }) => failure === undefined);
}

function describeSeed({ seed, profile, mix, operations, unknown, faults, visited, failure }: SeedReport): string {
  const verdict = failure === undefined ? "good" : "BAD";
  return `seed ${seed}: ${verdict}; faults '${profile}', mix '${mix}'; ${operations} operations; unknown: ${describe(unknown)}; faults: ${describe(faults)}; ${visited} states`;
}

function sumUp(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of counts.flatMap((each) => [...each])) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return sums;
}

function describe(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0 ? "none" : [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
