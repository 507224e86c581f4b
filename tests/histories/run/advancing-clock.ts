import type { TestClock } from "../../../server/src/faults/index.js";

/** The servers' clock, as the clients of one phase may move it. */
export interface AdvancingClock {
  readonly nowMs: () => number;
  /** Lets time pass, unless so much has passed already that a request could be two windows late. */
  advance(ms: number): void;
  /** Nothing is in flight: what happens from here on is not late. */
  beginPhase(): void;
}

/**
 * The service copes with requests that come up to two windows after their id was made, by the clock that is most ahead;
 * longer its memory does not last.
 */
const longestPhaseMs = 110_000;

export function createAdvancingClock(clock: TestClock, skewMs: number): AdvancingClock {
  let begun = clock();
  return {
    nowMs: clock,
    advance(ms) {
      if (clock() + ms - begun <= longestPhaseMs - skewMs) {
        clock.advance(ms);
      }
    },
    beginPhase() {
      begun = clock();
    },
  };
}
