import type { RequestWindow } from "./counters/request-window.js";
import type { DataPlane } from "./dynamodb/data-plane.js";
import type { RetryBudget } from "./dynamodb/retry.js";
import type { TablePlane } from "./dynamodb/table-plane.js";
import type { Clock, ExpiryPolicy } from "./layout/entry.js";
import type { ItemLayout } from "./layout/item-layout.js";
import type { ItemSizes } from "./reads/item-sizes.js";

export interface StoreContext {
  /** For what a call is made of. */
  readonly dynamodb: DataPlane;
  /** For everything else: table, TTL, reaping. It never repeats a request by itself. */
  readonly tables: TablePlane;
  readonly layout: ItemLayout;
  readonly clock: Clock;
  readonly budget: RetryBudget;
  /** Counts what is done together. */
  readonly counts?: StoreCounts | undefined;
  /** The expiry of entries that are created without one, in seconds; undefined when they never expire. */
  readonly defaultExpirySeconds: number | undefined;
  /** The most BatchGetItem calls that one MGet has in flight. */
  readonly batchConcurrency: number;
  /** Room for the batches of an MGet beyond its first. */
  readonly batchSlots: BatchSlots;
  /** Room for what is read and not yet taken. */
  readonly readRoom: ReadRoom;
  /** Learnt item sizes. */
  readonly itemSizes: ItemSizes;
  /** Parameters of request deduplication. */
  readonly requests: RequestWindow;
  /** Learnt capabilities of the engine. */
  readonly engine: {
    /** True if it returns the item on which a condition failed; one that does not find it returns none. */
    returnsOldItems: boolean;
  };
}

/** Is told how much is done together. */
export interface StoreCounts {
  /** So many Gets are answered by one read. */
  gets(count: number): void;
  /** So many increments are applied by one write. */
  increments(count: number): void;
}

/** Bounds what all MGets do at once, so that a server with much to do reads each with fewer batches at a time. */
export interface BatchSlots {
  /** Takes room for one more batch, if there is any. */
  tryTake(): boolean;
  giveBack(): void;
}

/** Bounds what all reads hold, so that memory does not grow with the number of those that are not taken. */
export interface ReadRoom {
  /** Holds so many bytes if there is room. */
  tryHold(bytes: number): boolean;
  /** The same as soon as there is room. Rejects when that takes too long, or with the signal's reason when that aborts. */
  hold(bytes: number, signal: AbortSignal): Promise<void>;
  /** Holds them whether there is room or not: they are there. */
  holdAnyhow(bytes: number): void;
  release(bytes: number): void;
}

/** The millisecond from which an entry that is created with this expiry is gone; undefined when it never is. */
export function createdExpireAtMs(
  { defaultExpirySeconds }: StoreContext,
  expiry: ExpiryPolicy | undefined,
  nowMs: number,
): number | undefined {
  switch (expiry?.kind) {
    case "at":
      return expiry.ms;
    case "never":
      return undefined;
    default:
      // In whole seconds, as Celery keeps its own: most entries then need no second attribute.
      return defaultExpirySeconds === undefined ? undefined : Math.ceil(nowMs / 1000 + defaultExpirySeconds) * 1000;
  }
}

/** New expiry of an existing entry: a millisecond, never, or undefined to leave it as it is. */
export function changedExpireAtMs(
  context: StoreContext,
  expiry: ExpiryPolicy | undefined,
  nowMs: number,
): number | "never" | undefined {
  return expiry === undefined || expiry.kind === "keep"
    ? undefined
    : (createdExpireAtMs(context, expiry, nowMs) ?? "never");
}
