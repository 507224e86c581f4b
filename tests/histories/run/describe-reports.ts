import type { SeedReport } from "./run-seed.js";

/** A line about a seed. */
export function describeSeed(report: SeedReport): string {
  const { seed, profile, mix, operations, unknown, faults, visited, failure } = report;
  return [
    `seed ${seed}: ${failure === undefined ? "good" : "BAD"}`,
    `faults '${profile}', mix '${mix}'`,
    `${operations} operations`,
    `unknown: ${describeCounts(unknown)}`,
    `faults: ${describeCounts(faults)}`,
    `${visited} states`,
  ].join("; ");
}

/** A line about a run. */
export function describeRun(reports: readonly SeedReport[], seconds: number): string {
  return [
    `${reports.length} seeds`,
    `${reports.reduce((sum, { operations }) => sum + operations, 0)} operations`,
    `unknown: ${describeCounts(sumUp(reports.map(({ unknown }) => unknown)))}`,
    `faults: ${describeCounts(sumUp(reports.map(({ faults }) => faults)))}`,
    `at most ${Math.max(0, ...reports.map(({ visited }) => visited))} states a key`,
    `${(reports.length / seconds).toFixed(2)} seeds a second`,
  ].join("; ");
}

function sumUp(counts: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of counts.flatMap((each) => [...each])) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return sums;
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0 ? "none" : [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}
