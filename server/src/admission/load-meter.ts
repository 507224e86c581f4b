import { type EventLoopUtilization, performance } from "node:perf_hooks";

/** What the last look at the event loop has shown. */
export interface Load {
  /** Whether the processor had hardly anything but work to do. */
  readonly isSaturated: boolean;
  /** How long what is ready to run waits until it is run, in milliseconds. */
  readonly lagMs: number;
  /** How long ago the look before was. */
  readonly elapsedMs: number;
}

export interface LoadMeter {
  /** Looks every few milliseconds from now on, until there was nothing to look at for a while. To be called with each call. */
  wake(): void;
  stop(): void;
}

/** How often it looks, in milliseconds. */
export const lookEveryMs = 20;
/** After so many looks without a call it stops, so that a server that is idle does nothing at all. */
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

  function look(): void {
    const now = performance.now();
    const total = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(total, before);
    const elapsedMs = now - lastAt;
    lastAt = now;
    before = total;
    if (++quiet > quietLooks) {
      stop();
    }
    onLook({ isSaturated: utilization >= saturatedShare, lagMs: Math.max(0, elapsedMs - lookEveryMs), elapsedMs });
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
        timer = setInterval(look, lookEveryMs).unref();
      }
    },
    stop,
  };
}
