import type { Call } from "../calls/call.js";

/** A call that waits for its turn. */
export interface QueuedCall {
  readonly call: Call;
  /** Who calls: an identity or an address. */
  readonly caller: string;
  readonly weight: number;
  /** Until when it must have begun, on the clock of performance.now. */
  readonly beginBy: number;
  start(): void;
  giveUp(): void;
}

/**
 * Calls that wait. Callers take turns, and the calls of each go in the order in which they came. That order serves all that are let in:
 * nobody waits who would not be served in time, so there is no need to overtake, as the last to come would, or the one with the nearest
 * deadline. And a caller with thousands of calls keeps nobody waiting but itself.
 */
export interface AdmissionQueue {
  readonly isEmpty: boolean;
  /** Returns true if calls of a caller wait. */
  has(caller: string): boolean;
  /** The weight of what goes before a new call of a caller, at most. */
  weightBefore(caller: string): number;
  add(waiting: QueuedCall): void;
  /** Takes out a call that has ended, if it is among them. */
  remove(waiting: QueuedCall): boolean;
  /**
   * Starts calls while there is room for a call of that weight, whoever makes it; where there is none for a heavy one, a light one of its
   * caller may go before it. Those that can no longer be in time give up.
   */
  startWhile(hasRoom: (weight: number) => boolean, now: number): void;
  /** The same for calls of one caller, who may have room of its own, or of each. */
  startFor(caller: string, hasRoom: (weight: number, caller: string) => boolean, now: number): void;
  startForEach(hasRoom: (weight: number, caller: string) => boolean, now: number): void;
  /** Has those give up that can no longer be in time. */
  dropLate(now: number): void;
}

/** The calls of one caller that wait. A set keeps the order of what is added, and forgets in constant time. */
interface Line {
  readonly calls: Set<QueuedCall>;
  weight: number;
  /** Calls of weight 1. */
  light: number;
}

export function createAdmissionQueue(): AdmissionQueue {
  /** By caller; who has had a turn goes to the end. */
  const lines = new Map<string, Line>();
  let weight = 0;
  let light = 0;

  function remove(waiting: QueuedCall): boolean {
    const line = lines.get(waiting.caller);
    if (line === undefined || !line.calls.delete(waiting)) {
      return false;
    }
    weight -= waiting.weight;
    line.weight -= waiting.weight;
    if (waiting.weight === 1) {
      line.light--;
      light--;
    }
    if (line.calls.size === 0) {
      lines.delete(waiting.caller);
    }
    return true;
  }

  /** Gives a caller its turn: one of its calls is started, if there is room for one. */
  function startOne(
    caller: string,
    line: Line,
    hasRoom: (weight: number, caller: string) => boolean,
    now: number,
  ): boolean {
    const hasStarted = startFirst(line, hasRoom, now);
    if (hasStarted && lines.get(caller) === line) {
      lines.delete(caller);
      lines.set(caller, line);
    }
    return hasStarted;
  }

  function startFirst(line: Line, hasRoom: (weight: number, caller: string) => boolean, now: number): boolean {
    for (const waiting of line.calls) {
      const isLate = waiting.beginBy <= now;
      if (!isLate && !hasRoom(waiting.weight, waiting.caller)) {
        if (waiting.weight === 1 || line.light === 0 || !hasRoom(1, waiting.caller)) {
          return false;
        }
        continue;
      }
      remove(waiting);
      if (!isLate) {
        waiting.start();
        return true;
      }
      waiting.giveUp();
    }
    return false;
  }

  return {
    get isEmpty() {
      return lines.size === 0;
    },
    has: (caller) => lines.has(caller),
    weightBefore(caller) {
      // The others have as many turns as this one, and one more.
      const own = lines.get(caller)?.weight ?? 0;
      return Math.min(weight, (own + 1) * (lines.size + (own === 0 ? 1 : 0)));
    },
    add(waiting) {
      const line = lines.get(waiting.caller) ?? { calls: new Set(), weight: 0, light: 0 };
      lines.set(waiting.caller, line);
      line.calls.add(waiting);
      weight += waiting.weight;
      line.weight += waiting.weight;
      if (waiting.weight === 1) {
        line.light++;
        light++;
      }
    },
    remove,
    startWhile(hasRoom, now) {
      // A caller that has had its turn comes to the end, and is met again there. There may be thousands of them, and this is done for each
      // call that ends: they are not gone through when there is room for none.
      for (const [caller, line] of lines) {
        if (!hasRoom(light > 0 ? 1 : Number.POSITIVE_INFINITY)) {
          return;
        }
        startOne(caller, line, hasRoom, now);
      }
    },
    startFor(caller, hasRoom, now) {
      for (let line = lines.get(caller); line !== undefined; line = lines.get(caller)) {
        if (!startOne(caller, line, hasRoom, now)) {
          return;
        }
      }
    },
    startForEach(hasRoom, now) {
      for (const [caller, line] of lines) {
        startOne(caller, line, hasRoom, now);
      }
    },
    dropLate(now) {
      for (const { calls } of lines.values()) {
        for (const waiting of calls) {
          if (waiting.beginBy <= now) {
            remove(waiting);
            waiting.giveUp();
          }
        }
      }
    },
  };
}
