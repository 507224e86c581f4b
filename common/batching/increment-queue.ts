import { int64 } from "../int64.js";
import type { AfterArrivals } from "./after-arrivals.js";
import { createPart, type Part, shareRequest } from "./shared-request.js";

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
export interface Waiting<Input, Result> extends Part<Result> {
  readonly input: Input;
  readonly signal: AbortSignal;
  /** The end of its deadline, on the clock of `performance.now()`. */
  readonly endAt: number;
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

/**
 * Increments counters, one write at a time for each: an increment of a counter that has none in flight goes at once, those that
 * come meanwhile go together when it is answered.
 */
export function createIncrementQueue<Input, Result>(
  options: IncrementQueueOptions<Input, Result>,
): QueuedIncrement<Input, Result> {
  const { take, write, left, afterArrivals } = options;
  const queues = new Map<string, { readonly waiting: Set<Waiting<Input, Result>>; isBusy: boolean }>();

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
    const { controller } = shareRequest(group);
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

  return (key, input, signal, endAt = Number.POSITIVE_INFINITY) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(left(signal.reason, input, false));
        return;
      }
      const queue = queues.get(key) ?? { waiting: new Set(), isBusy: false };
      const part = createPart<Result>({
        signal,
        resolve,
        reject,
        withdraw: () => queue.waiting.delete(waiting),
        left: (reason, mayBeApplied) => left(reason, input, mayBeApplied),
      });
      const waiting: Waiting<Input, Result> = { input, signal, endAt, ...part };
      queue.waiting.add(waiting);
      queues.set(key, queue);
      if (!queue.isBusy) {
        sendNext(key);
      }
    });
}
