/** The longest time that a timer of JavaScript can be set to, in milliseconds. */
export const maxTimerMs = 2 ** 31 - 1;

/** Waits so many milliseconds; less, when the signal aborts, whose caller will see that it has. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, maxTimerMs));
    signal.addEventListener("abort", done);
    if (signal.aborted) {
      done();
    }
  });
}
