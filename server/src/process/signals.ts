import { exitCodes } from "../../../common/command-line/exit-codes.js";

/**
 * Ctrl-C reaches `npm start` and the server at once, and npm passes it on: within this time of the first, a signal is
 * taken for the same one.
 */
const sameSignalMs = 100;

/** Resolves once the first signal has come and everything is stopped. A second one ends the process at once. */
export function stopOnSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (first === undefined) {
          first = now;
          stop().then(resolve, reject);
        } else if (now - first > sameSignalMs) {
          process.exit(exitCodes[signal]);
        }
      });
    }
  });
}
