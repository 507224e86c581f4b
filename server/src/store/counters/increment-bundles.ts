import { addUp } from "../../../../common/batching/increment-queue.js";
import { int64 } from "../../../../common/int64.js";
import { counterEtag } from "../layout/etags.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import type { CounterRange, Increment } from "./counter-requests.js";
import { mayBeRepeated, outOfBounds, repeatable } from "./increment-counter.js";
import type { WaitingIncrement as Waiting } from "./increment-group.js";
import type { IncrResult } from "./recall.js";

/** Increments that count as one, under one id: a caller's own, or those of all who sent none. */
export interface Bundle {
  readonly increment: Increment;
  /** True if callers may retry it safely. */
  readonly isRepeatable: boolean;
  readonly parts: readonly [Waiting, ...Waiting[]];
}

/** Increments without ids as one, under an id of the server's. */
export function bundleOf(id: RequestId, parts: readonly [Waiting, ...Waiting[]]): Bundle {
  const [first, ...others] = parts;
  if (others.length === 0) {
    return { ...bundleOfOne(first, id), isRepeatable: false };
  }
  const inputs = parts.map(({ input }) => input);
  // A sum that no counter could take is always refused, and each is then tried alone.
  const sum = addUp(inputs) ?? { delta: inputs.reduce((total, { delta }) => total + delta, 0n), min: 1n, max: 0n };
  const { expiry } = inputs.at(-1) ?? first.input;
  return { increment: { ...first.input, ...sum, expiry, id }, isRepeatable: false, parts };
}

/** An increment with an id, its own or the server's. */
export function bundleOfOne(waiting: Waiting, id: RequestId): Bundle {
  return { increment: { ...waiting.input, id }, isRepeatable: mayBeRepeated(waiting.input), parts: [waiting] };
}

/** Which parts a counter takes, one after another, and which would leave their bounds. */
export interface Picked {
  readonly taken: readonly Bundle[];
  readonly refused: readonly Waiting[];
  /** The counters at which all of this comes out the same. */
  readonly range: CounterRange;
}

/** Undefined where it takes them all. */
export function pick(bundles: readonly Bundle[], count: bigint): Picked | undefined {
  const taken: Bundle[] = [];
  const refused: Waiting[] = [];
  let low: bigint = int64.min;
  let high: bigint = int64.max;
  let after = 0n;
  for (const bundle of bundles) {
    const parts: Waiting[] = [];
    for (const part of bundle.parts) {
      const { delta, min, max } = part.input;
      const sum = after + delta;
      if (count + sum > max) {
        refused.push(part);
        low = highest(low, max - sum + 1n);
      } else if (count + sum < min) {
        refused.push(part);
        high = lowest(high, min - sum - 1n);
      } else {
        parts.push(part);
        low = highest(low, min - sum);
        high = lowest(high, max - sum);
        after = sum;
      }
    }
    const [first, ...others] = parts;
    if (first !== undefined) {
      const isWhole = parts.length === bundle.parts.length;
      taken.push(isWhole ? bundle : bundleOf(bundle.increment.id, [first, ...others]));
    }
  }
  return refused.length === 0 ? undefined : { taken, refused, range: { low, high } };
}

/** Tells each its own result, from that of the last. */
export function settleAll(bundles: readonly Bundle[], last: IncrResult): void {
  const all = bundles.flatMap(({ increment, parts }) =>
    parts.map((part, index) => ({ increment, parts, part, index })),
  );
  if (all.length === 1) {
    all[0]?.part.settle(last);
    return;
  }
  let value = last.value - bundles.reduce((sum, { increment }) => sum + increment.delta, 0n);
  for (const { increment, parts, part, index } of all) {
    value += part.input.delta;
    // Of those that share an id the last has its etag. The others have etags of their own: one may have added nothing.
    const nonce = nonceOf(increment.id) + (index === parts.length - 1 ? "" : `-${index}`);
    part.settle({ ...last, value, etag: counterEtag(nonce, value), expireAtMs: expireAtMsOf(part, last) });
  }
}

/** Each has left the expiry that it sets, until the next has set another. */
function expireAtMsOf({ input: { expiry } }: Waiting, last: IncrResult): number | undefined {
  return expiry?.kind === "at" ? expiry.ms : expiry?.kind === "never" ? undefined : last.expireAtMs;
}

export function refuseAll(refused: readonly Waiting[]): void {
  for (const { input, fail } of refused) {
    fail(outOfBounds(input));
  }
}

export function failAll(bundles: readonly Bundle[], error: unknown): void {
  for (const { isRepeatable, parts } of bundles) {
    for (const part of parts) {
      part.fail(repeatable(isRepeatable, error));
    }
  }
}

function highest(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

function lowest(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
