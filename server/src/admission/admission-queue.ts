import type { Call } from "../calls/call.js";

/** A call that waits for its turn. */
export interface QueuedCall {
  readonly call: Call;
  readonly weight: number;
  /** Until when it must have begun, on the clock of performance.now. */
  readonly beginBy: number;
  start(): void;
  giveUp(): void;
}

/**
 * Calls that wait, in the order in which they came. That order serves all that are let in: nobody waits who would not be served in
 * time, so there is no need to overtake, as the last to come would, or the one with the nearest deadline. And who has waited is not
 * pushed back by who comes later.
 */
export interface AdmissionQueue {
  /** The weight of all that wait. */
  readonly weight: number;
  readonly isEmpty: boolean;
  add(waiting: QueuedCall): void;
  /** Takes out a call that has ended, if it is among them. */
  remove(waiting: QueuedCall): boolean;
  /**
   * Starts calls while there is room for calls of their weight; where there is none for a heavy one, a light one may go before it.
   * Those that can no longer be in time give up.
   */
  startWhile(hasRoom: (weight: number) => boolean, now: number): void;
  /** Has those give up that can no longer be in time. */
  dropLate(now: number): void;
}

export function createAdmissionQueue(): AdmissionQueue {
  // A set keeps the order of what is added, and forgets in constant time.
  const all = new Set<QueuedCall>();
  let weight = 0;
  /** Calls of weight 1. */
  let light = 0;

  function remove(waiting: QueuedCall): boolean {
    const wasThere = all.delete(waiting);
    if (wasThere) {
      weight -= waiting.weight;
      light -= waiting.weight === 1 ? 1 : 0;
    }
    return wasThere;
  }

  return {
    get weight() {
      return weight;
    },
    get isEmpty() {
      return all.size === 0;
    },
    add(waiting) {
      all.add(waiting);
      weight += waiting.weight;
      light += waiting.weight === 1 ? 1 : 0;
    },
    remove,
    startWhile(hasRoom, now) {
      for (const waiting of all) {
        const isLate = waiting.beginBy <= now;
        if (!isLate && !hasRoom(waiting.weight)) {
          if (waiting.weight === 1 || light === 0) {
            return;
          }
          continue;
        }
        remove(waiting);
        if (isLate) {
          waiting.giveUp();
        } else {
          waiting.start();
        }
      }
    },
    dropLate(now) {
      for (const waiting of all) {
        if (waiting.beginBy <= now) {
          remove(waiting);
          waiting.giveUp();
        }
      }
    },
  };
}
