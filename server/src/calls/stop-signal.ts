import type { Call } from "./call.js";

/** Returns a signal that aborts with the given one of a call, and when the server stops. */
export type StopSignal = (call: Call, signal: AbortSignal) => AbortSignal;

/**
 * One listener for all calls: each that listens to the signal of the stop itself, as Connect would have it, is looked for among all of them
 * when its call has ended, so that the end of a thousand at once would take a million steps.
 */
export function createStopSignal(shutdownSignal: AbortSignal): StopSignal {
  const running = new Set<AbortController>();
  shutdownSignal.addEventListener("abort", () => {
    for (const controller of running) {
      controller.abort(shutdownSignal.reason);
    }
  });
  return (call, signal) => {
    const controller = new AbortController();
    const leave = () => controller.abort(signal.reason);
    signal.addEventListener("abort", leave);
    running.add(controller);
    call.onEnd(() => {
      running.delete(controller);
    });
    if (signal.aborted) {
      leave();
    } else if (shutdownSignal.aborted) {
      controller.abort(shutdownSignal.reason);
    }
    return controller.signal;
  };
}
