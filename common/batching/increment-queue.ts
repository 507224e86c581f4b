import { int64 } from "../int64.js";
import type { AfterArrivals } from "./after-arrivals.js";

/** The fields by which increments can be combined. */
export interface Addition {
  readonly delta: bigint;
  /** The lowest and the highest value that the counter may take by it. */
  readonly min: bigint;
  readonly max: bigint;
}

/** The counters to which a list of additions can be made, one after another, each within its bounds; undefined for none. */
export function commonRange(additions: readonly Addition[]): { low: bigint; high: bigint } | undefined {
  let low: bigint = int64.min;
  let high: bigint = int64.max;
  let after = 0n;
  for (const { delta, min, max } of additions) {
    after += delta;
    low = min - after > low ? min - after : low;
    high = max - after < high ? max - after : high;
  }
  return low > high ? undefined : { low, high };
}

/** One addition that does what a list of them does, or is refused where one of them would be; undefined when there is none. */
export function addUp(additions: readonly Addition[]): Addition | undefined {
  const range = commonRange(additions);
  const delta = additions.reduce((sum, addition) => sum + addition.delta, 0n);
  return range === undefined || delta < int64.min || delta > int64.max
    ? undefined
    : { delta, min: range.low + delta, max: range.high + delta };
}

/** An increment that waits for its turn or its answer. */
export interface Waiting<Input, Result> {
  readonly input: Input;
  readonly signal: AbortSignal;
  /** The end of its deadline, on the clock of `performance.now()`. */
  readonly endAt: number;
  /** Tell the caller, who hears only the first. */
  readonly settle: (result: Result) => void;
  readonly fail: (error: unknown) => void;
}

export interface IncrementQueueOptions<Input, Result> {
  /** Takes from those that wait for a counter what shall be written together: the first of them, at least. */
  readonly take: (waiting: Set<Waiting<Input, Result>>) => Waiting<Input, Result>[];
  /** Writes, and tells each what became of it. Never rejects. The signal aborts when nobody waits any more. */
  readonly write: (group: readonly Waiting<Input, Result>[], signal: AbortSignal) => Promise<void>;
  /** The error of who has left, while it waited for its turn or when it may have been applied. */
  readonly left: (reason: unknown, input: Input, mayBeApplied: boolean) => unknown;
  readonly afterArrivals: AfterArrivals;
}

/** Carries out an increment of a counter. */
export type QueuedIncrement<Input, Result> = (
  key: string,
  input: Input,
  signal: AbortSignal,
  endAt?: number,
) => Promise<Result>;

/** A write that takes longer holds up nobody: others go beside it. */
const slowMs = 50;

/** A write in flight. It is aborted when nobody waits for any part of it. */
interface Write {
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Increments counters, one write at a time for each: an increment of a counter that has none in flight goes at once, those that
 * come meanwhile go together when it is answered.
 */
export function createIncrementQueue<Input, Result>(
  options: IncrementQueueOptions<Input, Result>,
): QueuedIncrement<Input, Result> {
  const { take, write, left, afterArrivals } = options;
  const queues = new Map<string, { readonly waiting: Set<Waiting<Input, Result>>; isBusy: boolean }>();
  const writes = new WeakMap<Waiting<Input, Result>, Write>();

  function sendNext(key: string): void {
    const queue = queues.get(key);
    if (queue === undefined) {
      return;
    }
    if (queue.waiting.size === 0) {
      queues.delete(key);
      return;
    }
    const group = take(queue.waiting);
    const { controller } = begin(group);
    queue.isBusy = true;
    let isCounted = true;
    const makeWay = () => {
      clearTimeout(timer);
      if (isCounted) {
        isCounted = false;
        queue.isBusy = false;
        sendNext(key);
      }
    };
    const timer = setTimeout(makeWay, slowMs);
    // Those who have just been told may go on at once: what they ask for next goes with the next write, not the one after it.
    write(group, controller.signal).finally(() => afterArrivals(makeWay));
  }

  function begin(group: readonly Waiting<Input, Result>[]): Write {
    const begun: Write = { controller: new AbortController(), waiting: group.length };
    for (const each of group) {
      writes.set(each, begun);
    }
    return begun;
  }

  return (key, input, signal, endAt = Number.POSITIVE_INFINITY) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(left(signal.reason, input, false));
        return;
      }
      const queue = queues.get(key) ?? { waiting: new Set(), isBusy: false };
      let isOver = false;
      const end = () => {
        if (isOver) {
          return false;
        }
        isOver = true;
        signal.removeEventListener("abort", leave);
        const begun = writes.get(waiting);
        if (begun !== undefined) {
          begun.waiting--;
        }
        return true;
      };
      const leave = () => {
        const begun = writes.get(waiting);
        if (begun?.waiting === 1) {
          // The write reports the outcome: it knows whether it was sent.
          begun.controller.abort(signal.reason);
        } else {
          queue.waiting.delete(waiting);
          waiting.fail(left(signal.reason, input, begun !== undefined));
        }
      };
      const waiting: Waiting<Input, Result> = {
        input,
        signal,
        endAt,
        settle: (result) => end() && resolve(result),
        fail: (error) => end() && reject(error),
      };
      signal.addEventListener("abort", leave);
      queue.waiting.add(waiting);
      queues.set(key, queue);
      if (!queue.isBusy) {
        sendNext(key);
      }
    });
}
