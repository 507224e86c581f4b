import { type EventLoopUtilization, performance } from "node:perf_hooks";

/** A sample of the event loop. */
export interface Load {
  /** True if the event loop had hardly any idle time. */
  readonly isSaturated: boolean;
  /** Event loop lag, in milliseconds. */
  readonly lagMs: number;
  /** Time since the previous sample. */
  readonly elapsedMs: number;
}

export interface LoadMeter {
  /** Samples every few milliseconds from now on, until there were no calls for a while. To be called with each call. */
  wake(): void;
  stop(): void;
}

/** Sampling interval, in milliseconds. */
export const sampleEveryMs = 20;
/** After so many samples without a call it stops, so that a server that is idle does nothing at all. */
const quietLooks = 50;
/** The share of time from which on the processor counts as saturated. */
const saturatedShare = 0.9;

/**
 * This process has one core for everything, so an overload is a queue for that core, and shows as the time by which a timer is
 * late while the event loop never rests. A slow DynamoDB shows as neither: then the loop rests. So neither the latency of calls
 * nor their number has to be judged.
 */
export function createLoadMeter(onLook: (load: Load) => void): LoadMeter {
  let timer: NodeJS.Timeout | undefined;
  let lastAt = 0;
  let before: EventLoopUtilization;
  let quiet = 0;

  function sample(): void {
    const now = performance.now();
    const total = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(total, before);
    const elapsedMs = now - lastAt;
    lastAt = now;
    before = total;
    if (++quiet > quietLooks) {
      stop();
    }
    onLook({ isSaturated: utilization >= saturatedShare, lagMs: Math.max(0, elapsedMs - sampleEveryMs), elapsedMs });
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    wake() {
      quiet = 0;
      if (timer === undefined) {
        lastAt = performance.now();
        before = performance.eventLoopUtilization();
        timer = setInterval(sample, sampleEveryMs).unref();
      }
    },
    stop,
  };
}
