/** The choices of the protocol that keep an increment from counting twice. Each weaker variant changes one of them. */
export interface Rules {
  /** What an increment asks of its slot: that its writer's sequence is below its own, differs from it, or nothing. */
  readonly slotCondition: "below" | "differs" | "none";
  /** Whether a caller's id must be above the floor, or looked for in the archive. */
  readonly floorCondition: boolean;
  /** What a trim raises the floor to. */
  readonly trimmedFloor: "highest removed" | "clock" | "unchanged";
  /** Whether a trim asks that the floor is not above the one that it sets. */
  readonly trimComparesFloor: boolean;
  /** Whether a trim asks that each of the server's own slots that it drops is as it was seen. */
  readonly trimComparesSlots: boolean;
  /** Whether the slots of callers' ids are written to the archive, and when. */
  readonly archived: "before the trim" | "after the trim" | "never";
  /** Whether each trim adds one to the epoch. */
  readonly trimCounts: boolean;
  /** Whether an id that was looked for in the archive is added only if the epoch is what it was before. */
  readonly epochCondition: boolean;
  /** Whether the epoch is read before the archive is, or after it. */
  readonly epochRead: "before the archive" | "after the archive";
  /** Whether the archive is read strongly. */
  readonly archiveRead: "strong" | "eventual";
  /** How many windows after its youngest id an archive item may go. */
  readonly archiveLives: number;
  /** Whether ids not above one that was dropped without having been archived are refused for ever. */
  readonly droppedRefuses: boolean;
  /** Whether whoever finds an id neither in the item nor in the archive may refuse it as out of bounds before it looks there. */
  readonly boundsBeforeArchive: boolean;
  readonly restartKeepsMemory: boolean;
  readonly deleteKeepsMemory: boolean;
  readonly setKeepsMemory: boolean;
  /** Whether an id older than the window may not be added to a counter that does not hold it. */
  readonly ageCheckedOnUpdate: boolean;
  /** Whether an id older than the window may not begin a counter, or the memory of one that has none. */
  readonly ageCheckedOnCreate: boolean;
  /** How many windows old a slot must be before it is dropped, or all of the memory before a Delete or a Set drops it. */
  readonly droppedAfter: number;
  /** Whether the floor counts as a part of the memory that may be too young to be dropped. */
  readonly floorKeepsMemory: boolean;
  /** What the two windows of a deleted counter's rest are counted from. */
  readonly goneCountsFrom: "deletion" | "youngest id";
  /** Whether the reaper waits for a window after the expiry, or until all of the memory may be dropped. */
  readonly reaperWaitsFor: "a window" | "memory";
}

/** The protocol of docs/exactly-once.md, with a margin of a window at each place that drops memory, counted from the ids. */
export const rules: Rules = {
  slotCondition: "below",
  floorCondition: true,
  trimmedFloor: "highest removed",
  trimComparesFloor: true,
  trimComparesSlots: true,
  archived: "before the trim",
  trimCounts: true,
  epochCondition: true,
  epochRead: "before the archive",
  archiveRead: "strong",
  archiveLives: 2,
  droppedRefuses: true,
  boundsBeforeArchive: false,
  restartKeepsMemory: true,
  deleteKeepsMemory: true,
  setKeepsMemory: true,
  ageCheckedOnUpdate: true,
  ageCheckedOnCreate: true,
  droppedAfter: 2,
  floorKeepsMemory: true,
  goneCountsFrom: "youngest id",
  reaperWaitsFor: "memory",
};

/** How much of the world an exploration looks at. Times are in steps. */
export interface Bounds {
  /** How many increments each writer sends. A caller's id is a writer that sends one. */
  readonly writers: readonly number[];
  /** So many of the writers, from the first, are servers' own, which keep one slot each. */
  readonly own: number;
  /** The steps in a window. */
  readonly window: number;
  /** How far the clock of the second replica is ahead of the first one's. */
  readonly skew: number;
  /** For how many steps a request may be in flight before DynamoDB applies it. */
  readonly delay: number;
  /** The last step. */
  readonly end: number;
  /** How often each id may be sent to a replica. */
  readonly tries: number;
  /** How many requests a replica sends for one call. */
  readonly hops: number;
  /** How many slots the item has room for, and how many of them a trim leaves. */
  readonly slots: number;
  readonly kept: number;
  /** The upper bound of the increments, if any. */
  readonly most?: number;
  /** How many steps a new counter lives; undefined for ever. */
  readonly lifetime?: number;
  /** How often each of these happens. */
  readonly deletes: number;
  readonly sets: number;
  readonly trims: number;
  readonly touches: number;
  readonly celery: number;
}
