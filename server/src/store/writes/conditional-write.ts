import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import {
  ConditionFailed,
  type FailedTry,
  readFailed,
  type UncertainOutcome,
  withRetries,
  withUncertainOutcome,
} from "../dynamodb/retry.js";
import { type DedupState, forgettableFrom } from "../layout/dedup-state.js";
import type { CallOptions, WriteCondition } from "../layout/entry.js";
import { itemAfterFailure, readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import { conditionError, type Expression, holds, type Seen, see, toExpression } from "./write-condition.js";

/** A write of a whole entry, and the requests that carry it out. */
export interface ConditionalWrite<T> {
  readonly key: string;
  readonly condition: WriteCondition | undefined;
  /** A first try that was made already: `send` with the condition's expression. */
  readonly failedTry?: FailedTry | undefined;
  /** Sends the write on a condition. */
  readonly send: (condition: Expression, signal: AbortSignal) => Promise<T>;
  /**
   * For a write that replaces or removes the whole item: what to send instead when increments are remembered there. With
   * `keeps` they must be remembered further.
   */
  readonly sendRemembering?: (seen: Seen, keeps: boolean) => ConditionalWrite<T>["send"];
  /** The result of this very write when the item is what it has left, else undefined. Without it, that cannot be told. */
  readonly resultFrom?: (item: Item) => T | undefined;
  /**
   * For a write on an etag under an id of the caller's: it may have been sent before, so that its result may be there although nothing
   * was sent now.
   */
  readonly mayBeRepetition?: boolean;
  /** The result where the write was refused, the condition holds, and what the key holds makes the write unneeded. */
  readonly unneededFor?: (seen: Seen) => T | undefined;
}

/** Consecutive times that others may come between the look at an item and the write of it. */
const maxRounds = 10;

/**
 * Carries out a write, and finds out what became of it when its answer was lost: docs/exactly-once.md. It is sent again
 * only where at most one of its tries can be applied.
 */
export async function writeConditionally<T>(
  context: StoreContext,
  write: ConditionalWrite<T>,
  options: CallOptions,
): Promise<T> {
  const { key, condition } = write;
  const uncertain: UncertainOutcome = {};
  let seen: Seen | undefined;
  try {
    for (let round = 0; round < maxRounds; round++) {
      try {
        return seen?.memory === undefined
          ? await sendPlainly(context, write, round === 0 ? write.failedTry : undefined, uncertain, options)
          : await sendRemembering(context, write, seen, seen.memory, uncertain, options);
      } catch (error) {
        if (!(error instanceof ConditionFailed)) {
          throw error;
        }
        seen = see(context, await itemAfterFailure(context, key, error, options));
      }
      const mayBeApplied = uncertain.error !== undefined || write.mayBeRepetition === true;
      const own = mayBeApplied && seen.item !== undefined ? write.resultFrom?.(seen.item) : undefined;
      if (own !== undefined) {
        return own;
      }
      if (condition !== undefined && !holds(condition, seen)) {
        throw conditionError(condition, seen);
      }
      // Unless it names itself by an id, and is fenced by an etag: one of its tries alone can be applied, and is then found.
      if (uncertain.error !== undefined && write.mayBeRepetition !== true) {
        throw uncertain.error;
      }
      const unneeded = write.unneededFor?.(seen);
      if (unneeded !== undefined) {
        return unneeded;
      }
    }
    throw new DynakvError(ErrorReason.CONTENTION, "contention: other writers kept changing the key", {
      outcome: Outcome.NOT_APPLIED,
      retryAfterMs: 100,
    });
  } catch (error) {
    const told = withUncertainOutcome(uncertain, readFailed(error));
    const own = await confirm(context, write, told, options);
    if (own !== undefined) {
      return own;
    }
    throw told;
  }
}

async function sendPlainly<T>(
  context: StoreContext,
  write: ConditionalWrite<T>,
  failedTry: FailedTry | undefined,
  uncertain: UncertainOutcome,
  options: CallOptions,
): Promise<T> {
  const { key, condition } = write;
  const expression = await toExpression(context, key, condition, write.sendRemembering !== undefined, options);
  return withRetries((signal) => write.send(expression, signal), {
    ...options,
    budget: context.budget,
    // An etag is there once: of all tries, and of all other writers, one alone can find it.
    access: condition?.kind === "etag" ? "fenced-write" : "write",
    uncertain,
    failedTry,
  });
}

/** Writes where increments are remembered: on the condition that the item is still the one in which the caller's held. */
async function sendRemembering<T>(
  context: StoreContext,
  write: ConditionalWrite<T>,
  seen: Seen,
  memory: DedupState,
  uncertain: UncertainOutcome,
  options: CallOptions,
): Promise<T> {
  const { requests, clock, layout, budget } = context;
  const keeps = clock() < forgettableFrom(memory, requests.windowMs);
  const send = write.sendRemembering?.(seen, keeps) ?? write.send;
  const same = layout.sameVersion(seen.item ?? {});
  return withRetries((signal) => send(same, signal), { ...options, budget, access: "fenced-write", uncertain });
}

/** Looks whether a write whose answer was lost is what the key holds now. */
async function confirm<T>(
  context: StoreContext,
  write: ConditionalWrite<T>,
  error: unknown,
  options: CallOptions,
): Promise<T | undefined> {
  const { resultFrom } = write;
  const isUnknown = error instanceof DynakvError && error.outcome === Outcome.UNKNOWN;
  if (resultFrom === undefined || !isUnknown || options.signal.aborted) {
    return undefined;
  }
  try {
    const item = await readItemStrongly(context, write.key, options);
    return item === undefined ? undefined : resultFrom(item);
  } catch {
    // Then it stays unknown.
    return undefined;
  }
}
