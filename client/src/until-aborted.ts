/** Awaits a promise, or rejects with the signal's reason when it aborts first. */
export function untilAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) {
    return promise;
  }
  // Not a race with one promise for all: it would keep what each brings for as long as the signal lives.
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) {
      promise.catch(() => {});
      leave();
      return;
    }
    signal.addEventListener("abort", leave);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
