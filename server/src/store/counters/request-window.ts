import type { Clock } from "../layout/entry.js";
import type { LateCounters } from "./late-section.js";
import { createRequestIds, type RequestIds } from "./own-request-ids.js";

/** Deduplication window of increments, with its running work. */
export interface RequestWindow {
  /** Time that an increment can be repeated, counted from the time in its id. */
  readonly windowMs: number;
  /** Slots of a counter's own item, before older ones move to the archive. */
  readonly maxSlots: number;
  /** The ids of this server, for increments that come without one. */
  readonly ids: RequestIds;
  /** The keys of archive items that were found to be full: they stay so. */
  readonly fullArchiveItems: Set<string>;
  /** The counters whose items this server is making smaller. */
  readonly trimming: Set<string>;
  readonly late: LateCounters;
}

export function createRequestWindow(windowMs: number, maxSlots: number, clock: Clock): RequestWindow {
  return {
    windowMs,
    maxSlots,
    ids: createRequestIds(clock),
    fullArchiveItems: new Set(),
    trimming: new Set(),
    late: new Map(),
  };
}
