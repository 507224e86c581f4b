/** The choices of the protocol that keep an increment from counting twice. Each weaker variant changes one of them. */
export interface Rules {
  /** What an increment asks of its writer's slot: to be below its own sequence, to differ from it, or nothing. */
  readonly slotCondition: "below" | "differs" | "none";
  /** Whether an increment must be above the floor. */
  readonly floorCondition: boolean;
  /** What pruning raises the floor to. */
  readonly prunedFloor: "highest pruned" | "clock" | "unchanged";
  /** Whether pruning asks that each slot is as it was seen. */
  readonly pruneComparesSlots: boolean;
  readonly restartKeepsMemory: boolean;
  readonly deleteKeepsMemory: boolean;
  readonly setKeepsMemory: boolean;
  /** Whether an id older than the window may not be added to a counter that does not hold it. */
  readonly ageCheckedOnUpdate: boolean;
  /** Whether an id older than the window may not begin a counter, or the memory of one that has none. */
  readonly ageCheckedOnCreate: boolean;
  /** How many windows old all of the memory must be before a Delete or a Set drops it. */
  readonly droppedAfter: number;
  /** Whether the floor counts as a part of the memory that may be too young to be dropped. */
  readonly floorKeepsMemory: boolean;
  /** What the two windows of a deleted counter's rest are counted from. */
  readonly goneCountsFrom: "deletion" | "youngest id";
  /** Whether the reaper waits for a window after the expiry, or until all of the memory may be dropped. */
  readonly reaperWaitsFor: "a window" | "memory";
}

/** The protocol to the letter of docs/exactly-once.md as it was first written. */
export const firstRules: Rules = {
  slotCondition: "below",
  floorCondition: true,
  prunedFloor: "highest pruned",
  pruneComparesSlots: true,
  restartKeepsMemory: true,
  deleteKeepsMemory: true,
  setKeepsMemory: true,
  ageCheckedOnUpdate: true,
  ageCheckedOnCreate: true,
  droppedAfter: 1,
  floorKeepsMemory: true,
  goneCountsFrom: "deletion",
  reaperWaitsFor: "a window",
};

/** The protocol with a margin of a window at each place that drops memory, counted from the ids themselves. */
export const rules: Rules = {
  ...firstRules,
  droppedAfter: 2,
  goneCountsFrom: "youngest id",
  reaperWaitsFor: "memory",
};

/** How much of the world an exploration looks at. Times are in steps. */
export interface Bounds {
  /** How many increments each writer sends. One makes it a single-use id. */
  readonly writers: readonly number[];
  /** The steps in a window. */
  readonly window: number;
  /** How far the clock of the second replica is ahead of the first one's. */
  readonly skew: number;
  /** For how many steps a request may be under way before DynamoDB applies it. */
  readonly delay: number;
  /** The last step. */
  readonly end: number;
  /** How often each id may be sent to a replica. */
  readonly tries: number;
  /** How many requests a replica sends for one call. */
  readonly hops: number;
  readonly slots: number;
  /** The upper bound of the increments, if any. */
  readonly most?: number;
  /** How many steps a new counter lives; undefined for ever. */
  readonly lifetime?: number;
  /** How often each of these happens. */
  readonly deletes: number;
  readonly sets: number;
  readonly prunes: number;
  readonly touches: number;
  readonly celery: number;
}
