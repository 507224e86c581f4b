import type { DescMethod } from "@bufbuild/protobuf";

/** Latency percentiles by method. */
export interface LatencyPercentiles {
  add(method: DescMethod | undefined, ms: number): void;
  /** The 95th percentile in milliseconds; 0 without samples. A few very long calls hardly change it. */
  of(method: DescMethod | undefined): number;
}

/** By how much one call moves the estimate. It rests where one of 20 calls is longer. */
const shorter = 1.004;
const longer = shorter ** 19;

export function createLatencyPercentiles(): LatencyPercentiles {
  const estimates = new Map<DescMethod | undefined, number>();
  return {
    add(method, ms) {
      const estimate = estimates.get(method);
      // Never beyond what was measured.
      const next = estimate === undefined ? ms : ms > estimate ? Math.min(ms, estimate * longer) : estimate / shorter;
      estimates.set(method, next);
    },
    of: (method) => estimates.get(method) ?? 0,
  };
}
