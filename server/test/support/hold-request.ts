import type { FaultProxy } from "../../src/faults/index.js";
import { waitUntil } from "./wait-until.js";

/** A request that is held back on its way to the engine. */
export interface HeldRequest {
  /** Resolves once it has come, or so many that are held back. */
  held(count?: number): Promise<void>;
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
  let holds = 0;
  let isReleased = false;
  proxy.decide = async ({ operation }) => {
    if (operations.includes(operation) && !isReleased && (alone ? ++count === n : ++count >= n)) {
      holds++;
      await released;
    }
    return "forward" as const;
  };
  return {
    held: (least = 1) => waitUntil(`${least} requests are held back`, () => holds >= least),
    release: () => release(),
  };
}
