import { Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError } from "../../errors/dynakv-error.js";

/** The counters of which this server is writing late increments, and who waits for each. */
export type LateCounters = Map<string, Set<() => void>>;

/**
 * Critical section of an increment whose id may be in the archive, from reading the item to the write: one at a time for each
 * counter of a server, since a trim in between makes the look worthless.
 */
export interface LateSection {
  /** Resolves when it is this one's turn. Whoever has entered must leave. */
  enter(signal: AbortSignal): Promise<void>;
  readonly isEntered: boolean;
  /** True if another increment has entered. */
  readonly isTaken: boolean;
  leave(): void;
}

export function createLateSection(counters: LateCounters, key: string): LateSection {
  let isEntered = false;
  return {
    async enter(signal) {
      if (isEntered) {
        return;
      }
      const waiting = counters.get(key);
      if (waiting === undefined) {
        counters.set(key, new Set());
      } else {
        await waitForTurn(waiting, signal);
      }
      isEntered = true;
    },
    get isEntered() {
      return isEntered;
    },
    get isTaken() {
      return !isEntered && counters.has(key);
    },
    leave() {
      if (!isEntered) {
        return;
      }
      isEntered = false;
      const waiting = counters.get(key);
      const [next] = waiting ?? [];
      if (next === undefined) {
        counters.delete(key);
      } else {
        waiting?.delete(next);
        next();
      }
    },
  };
}

function waitForTurn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const enter = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const leave = () => {
      waiting.delete(enter);
      reject(abortError(signal.reason, Outcome.NOT_APPLIED));
    };
    if (signal.aborted) {
      leave();
      return;
    }
    waiting.add(enter);
    signal.addEventListener("abort", leave, { once: true });
  });
}
