/** A clock that stands still until it is moved: the option `clock` of `createServer`. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  (): number;
  /** Lets so many milliseconds pass. A RangeError unless it is 0 or more. */
  advance(ms: number): void;
  /** Steps by so many milliseconds, forwards or, below 0, backwards, as a clock does that is corrected. */
  jump(ms: number): void;
  /** Sets the time, in milliseconds since the epoch. */
  set(ms: number): void;
}

/** Creates a clock that starts at a time in milliseconds since the epoch; the default is now. */
export function createTestClock(startMs: number = Date.now()): TestClock {
  let nowMs = checked(startMs);
  return Object.assign(() => nowMs, {
    advance(ms: number) {
      if (!(ms >= 0)) {
        throw new RangeError(`time cannot advance by ${ms} ms; use jump to go back`);
      }
      nowMs = checked(nowMs + ms);
    },
    jump(ms: number) {
      nowMs = checked(nowMs + ms);
    },
    set(ms: number) {
      nowMs = checked(ms);
    },
  });
}

function checked(ms: number): number {
  if (!Number.isFinite(ms)) {
    throw new RangeError(`a clock cannot stand at ${ms}`);
  }
  return ms;
}
