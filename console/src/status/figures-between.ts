import type { Figures, MethodFigures } from "../../../common/figures.js";

/** One second, or as long as two readings lie apart: rates, and what was the case at its end. */
export interface Sample {
  /** By this clock, for the axis. */
  readonly at: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly failures: number;
  /** Milliseconds; undefined when no call has ended. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly throttles: number;
  readonly shed: number;
  readonly inFlight: number;
  readonly waiting: number;
}

/** What lies between two readings; undefined when the second is of another process, or of one that was restarted. */
export function toSample(before: Figures, after: Figures, at: number): Sample | undefined {
  const seconds = (after.atMs - before.atMs) / 1000;
  if (before.instance !== after.instance || seconds <= 0) {
    return undefined;
  }
  const rate = (read: (figures: Figures) => number) => Math.max(0, read(after) - read(before)) / seconds;
  const calls = Object.keys(after.methods).map((method): [string, number] => [
    method,
    rate(({ methods }) => callsOf(methods[method])),
  ]);
  const durations = durationsBetween(before, after);
  return {
    at,
    calls: Object.fromEntries(calls.filter(([, value]) => value > 0)),
    failures: rate(({ methods }) => Object.values(methods).reduce((sum, { failed }) => sum + failed, 0)),
    p50: percentile(durations, after.durationBounds, 0.5),
    p99: percentile(durations, after.durationBounds, 0.99),
    readUnits: rate(({ readUnits }) => readUnits),
    writeUnits: rate(({ writeUnits }) => writeUnits),
    throttles: rate(({ throttles }) => throttles),
    shed: rate(({ shed }) => shed),
    inFlight: after.inFlight,
    waiting: after.waiting,
  };
}

function callsOf(figures: MethodFigures | undefined): number {
  return figures === undefined ? 0 : figures.ok + figures.failed;
}

function durationsBetween(before: Figures, after: Figures): number[] {
  const between = new Array<number>(after.durationBounds.length + 1).fill(0);
  for (const [method, { durations }] of Object.entries(after.methods)) {
    const earlier = before.methods[method]?.durations;
    durations.forEach((value, index) => {
      between[index] = (between[index] ?? 0) + value - (earlier?.[index] ?? 0);
    });
  }
  return between;
}

/** In milliseconds, between the bounds of the bucket that it falls into. */
function percentile(counts: readonly number[], bounds: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, value) => sum + value, 0);
  if (total === 0) {
    return undefined;
  }
  let left = total * share;
  for (const [index, value] of counts.entries()) {
    if (left <= value && value > 0) {
      const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      const high = bounds[index] ?? low;
      return (low + (high - low) * (left / value)) * 1000;
    }
    left -= value;
  }
  return (bounds.at(-1) ?? 0) * 1000;
}
