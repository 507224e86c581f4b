import type { DynakvError } from "../errors/dynakv-error.js";
import type { Call } from "./call.js";

/**
 * Bounds what all calls hold together: what has come of their bodies, what that is decoded to, and what is answered and not yet taken.
 * Each of them may be large, and there may be thousands.
 */
export interface CallMemory {
  /**
   * Holds so many bytes more for a call, until nothing is held for it any more. Returns why not, when others hold too much: then
   * nothing more of the call may be gathered.
   */
  hold(call: Call, bytes: number): DynakvError | undefined;
  /** Holds them whether there is room or not: what is done cannot be refused any more. */
  holdAnyhow(call: Call, bytes: number): void;
  /** Gives back some of it before. */
  giveBack(call: Call, bytes: number): void;
  /** Counts bytes of the body of a call as they come, in so many pieces. */
  addBody(call: Call, bytes: number, pieces: number): DynakvError | undefined;
  /**
   * Notes that the call waits for its client: for the rest of its body, or until its answer is taken. Who has kept others waiting long
   * enough gives way when there is no room for them.
   */
  awaitClient(call: Call): void;
  /** Notes that it does not, or that the client has moved on. */
  clientMoved(call: Call): void;
}
