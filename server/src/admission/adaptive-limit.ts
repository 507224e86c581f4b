import type { Load } from "./load-meter.js";

/** Concurrency limit that adapts to the event loop. */
export interface AdaptiveLimit {
  readonly current: number;
  /** True if the event loop had no idle time in the last sample. */
  readonly isSaturated: boolean;
  /**
   * Learns from a sample of the event loop.
   *
   * @param running how much was in flight at most since the last sample
   * @param wasReached whether something had to wait, or was refused, because of the limit
   */
  learn(load: Load, running: number, wasReached: boolean): void;
}

export interface AdaptiveLimitOptions {
  readonly min: number;
  readonly initial: number;
  readonly max: number;
}

/** Target event loop lag in milliseconds: little beside any deadline, and enough to batch well. */
const targetLagMs = 10;
const growth = 2;
const cautiousGrowth = 1.05;
/** Largest cut of one sample, so that a garbage collection alone takes no more. */
const strongestCut = 0.7;

/**
 * Additive in nothing: while the processor has rest, what waits is waiting for DynamoDB, and the limit doubles until everything
 * is let in. While it has none, more at once brings nothing but a longer wait for the processor, so the limit goes down until
 * that wait is short, and feels its way up when it is very short.
 */
export function createAdaptiveLimit({ min, initial, max }: AdaptiveLimitOptions): AdaptiveLimit {
  let current = Math.min(initial, max);
  let isSaturated = false;
  return {
    get current() {
      return current;
    },
    get isSaturated() {
      return isSaturated;
    },
    learn(load, running, wasReached) {
      ({ isSaturated } = load);
      if (!isSaturated) {
        // Without a need, no further than where it began.
        const grown = Math.min(current * growth, max);
        current = wasReached ? grown : Math.max(current, Math.min(grown, initial));
      } else if (load.lagMs > targetLagMs) {
        const cut = Math.max(strongestCut, Math.sqrt(targetLagMs / load.lagMs));
        current = Math.max(min, Math.min(current, running) * cut);
      } else if (wasReached && load.lagMs < targetLagMs / 2) {
        current = Math.min(max, current * cautiousGrowth);
      }
    },
  };
}
