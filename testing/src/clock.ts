import { createTestClock } from "@dynakv/server/faults";

/** A length of time; its parts add up. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

/**
 * The server's clock: by it entries expire, and increments stay repeatable. It stands still until the test moves it, so that nothing
 * expires while a test is slow. Deadlines, retries and the machine's own clock go on as ever.
 */
export interface Clock {
  /** The server's time. */
  now(): Date;
  /** Lets time pass. A RangeError unless it is 0 or more. */
  advance(duration: Duration): void;
  /** Sets the time, to an earlier one as well: a Date, milliseconds since the epoch, or a text that Date reads. */
  set(time: Date | number | string): void;
  /** Sets it to the machine's time, as it stood at the start. */
  reset(): void;
}

/** The clock and what the server reads it by. */
export interface ServerClock extends Clock {
  readonly read: () => number;
}

const unitsMs: Readonly<Record<keyof Duration, number>> = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};

export function createClock(): ServerClock {
  const clock = createTestClock();
  return {
    read: clock,
    now: () => new Date(clock()),
    advance: (duration) => clock.advance(toMs(duration)),
    set: (time) => clock.set(new Date(time).getTime()),
    reset: () => clock.set(Date.now()),
  };
}

function toMs(duration: Duration): number {
  let ms = 0;
  for (const [unit, count] of Object.entries(duration)) {
    const unitMs = unitsMs[unit as keyof Duration];
    if (unitMs === undefined || typeof count !== "number") {
      throw new TypeError(`clock.advance takes numbers of ${Object.keys(unitsMs).join(", ")}, not ${unit}: ${count}`);
    }
    ms += count * unitMs;
  }
  return ms;
}
