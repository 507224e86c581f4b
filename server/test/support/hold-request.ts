import type { FaultProxy } from "../../src/faults/index.js";
import { waitUntil } from "./wait-until.js";

/** A request that is held back on its way to the engine. */
export interface HeldRequest {
  /** Resolves once it has come. */
  held(): Promise<void>;
  /** Lets it go on. */
  release(): void;
}

/**
 * Holds the n-th request from now on of some operations back, and those after it, since a server may send a request again that is not
 * answered for seconds; or it alone.
 */
export function holdRequest(
  proxy: FaultProxy,
  operations: readonly string[],
  n = 1,
  { alone = false }: { readonly alone?: boolean } = {},
): HeldRequest {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = () => {
      isReleased = true;
      resolve();
    };
  });
  let count = 0;
  let isHeld = false;
  let isReleased = false;
  proxy.decide = async ({ operation }) => {
    if (operations.includes(operation) && !isReleased && (alone ? ++count === n : ++count >= n)) {
      isHeld = true;
      await released;
    }
    return "forward" as const;
  };
  return {
    held: () => waitUntil("a request is held back", () => isHeld),
    release: () => release(),
  };
}

/** Deadlines of a server whose requests are held back: for long on a machine that is busy. */
export const patientDeadlines = { defaultDeadlineSeconds: 120, maxDeadlineSeconds: 120 };

/** The same for clients that make many calls at once. */
export const patientTimeout = { defaultTimeoutMs: patientDeadlines.maxDeadlineSeconds * 1000 };
