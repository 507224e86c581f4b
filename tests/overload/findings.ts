import { median } from "../../tools/statistics.js";
import type { OverloadResult, PhaseRun } from "./run-overload.js";

/** One thing that is to hold under overload, and what was measured of it. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** Goodput under the greatest load, as a part of the most that there was. */
const leastShare = 0.8;
/** What the process may hold beyond what it held before the overload. */
const mostGrowthBytes = 128 * 1024 * 1024;
/** Within so many seconds after the overload all calls are in time again. */
const mostRecoverySeconds = 3;
/** By how much calls may be sent too late: more, and who calls is the limit. */
const mostLagMs = 25;

export function findFindings({ deadlineMs, adaptive: { phases } }: OverloadResult): Finding[] {
  const loads = byLoad(phases);
  const most = Math.max(...loads.keys());
  const greatest = loads.get(most) ?? [];
  const first = phases[0] as PhaseRun;
  const last = phases.at(-1) as PhaseRun;
  const goodputs = new Map([...loads].map(([load, alike]) => [load, median(alike.map(goodput))]));
  const best = Math.max(...goodputs.values());
  const share = (goodputs.get(most) ?? 0) / best;
  const p99 = median(greatest.map(({ result }) => latency(result.p99)));
  const lagP99 = median(greatest.map(({ result }) => result.lagP99));
  const growth = Math.max(...phases.map(({ rssBytes }) => rssBytes)) - first.rssBytes;
  const recovery = last.result.bySecond.findIndex((second) => second.good >= 0.99 * second.offered);
  const name = `at ${most}×`;
  return [
    {
      what: `goodput ${name} is at least ${percent(leastShare)} of the peak`,
      measured: `${percent(share)}: ${Math.round(goodputs.get(most) ?? 0)} of ${Math.round(best)} calls a second`,
      holds: share >= leastShare,
    },
    {
      what: `p99 ${name} of the calls that were not refused is within the deadline of ${deadlineMs} ms`,
      measured: Number.isFinite(p99) ? `${Math.round(p99)} ms` : "over it",
      holds: p99 <= deadlineMs,
    },
    {
      what: "memory grows by no more than 128 MiB",
      measured: `${Math.round(growth / 1024 / 1024)} MiB`,
      holds: growth <= mostGrowthBytes,
    },
    {
      what: `within ${mostRecoverySeconds} s after the overload 99 % of calls are in time again`,
      measured: recovery < 0 ? "not within the phase" : `in second ${recovery + 1}`,
      holds: recovery >= 0 && recovery < mostRecoverySeconds,
    },
    {
      what: `who calls is not the limit: 99 % are sent within ${mostLagMs} ms of when they are due`,
      measured: `${lagP99.toFixed(1)} ms`,
      holds: lagP99 <= mostLagMs,
    },
  ];
}

/** Phases with the same load, together. */
export function byLoad(phases: readonly PhaseRun[]): ReadonlyMap<number, readonly PhaseRun[]> {
  return new Map(phases.map(({ times }) => [times, phases.filter((phase) => phase.times === times)]));
}

export function goodput({ result }: PhaseRun): number {
  return result.good / result.seconds;
}

/** It is null where too many never came: JSON, by which results come from the other process, has no infinity. */
export function latency(value: number | null): number {
  return value ?? Number.POSITIVE_INFINITY;
}

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
