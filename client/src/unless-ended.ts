import { endedHere } from "./errors.js";

/** What a source brings, unless the call ends first: one that hangs must not hold it. */
export function unlessEnded<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  // Not a race with one promise for all: it would keep each chunk of items until the end.
  return new Promise((resolve, reject) => {
    const end = () => reject(endedHere(signal.reason, undefined));
    if (signal.aborted) {
      end();
      return;
    }
    signal.addEventListener("abort", end);
    read()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", end));
  });
}
