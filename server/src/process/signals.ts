import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { whenNpmEnds } from "./npm.js";

/**
 * Ctrl-C reaches `npm start` and the server at once, and npm passes it on: within this time of the first, a signal is
 * taken for the same one.
 */
const sameSignalMs = 100;

/**
 * Resolves once the first signal has come, or npm has ended which started this process, and everything is stopped. A second signal ends
 * the process at once.
 */
export function stopOnSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    function stopOnce(): void {
      if (first === undefined) {
        first = performance.now();
        stop().then(resolve, reject);
      }
    }

    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (first !== undefined && performance.now() - first > sameSignalMs) {
          process.exit(exitCodes[signal]);
        }
        stopOnce();
      });
    }
    whenNpmEnds(process.env, stopOnce);
  });
}
