import { setMaxListeners } from "node:events";
import {
  addUp,
  commonRange,
  createIncrementsTogether,
  type Waiting as WaitingIncrement,
} from "../../../../common/batching/increment-queue.js";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { joinInitiators } from "../dynamodb/initiators.js";
import { ConditionFailed, type Doubt, inDoubt } from "../dynamodb/retry.js";
import type { CallOptions, ExpiryPolicy } from "../layout/entry.js";
import { counterEtag } from "../layout/item-layout.js";
import { nonceOf, parseRequestId, type RequestId, timeOf } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";
import { type Increment, updateCounter } from "./counter-requests.js";
import {
  appliedResult,
  type IncrInput,
  type IncrResult,
  incrementOnce,
  pruneIfWorthwhile,
  repeatable,
} from "./increment-counter.js";

/** Adds to a counter, together with others that come at the same time. */
export type CombinedIncrement = (input: IncrInput, options: CallOptions) => Promise<IncrResult>;

/** An update expression has room for some 4 KB: so many writers' slots. Increments without ids share one. */
const maxIds = 32;
/** So many increments without ids share one write at most. */
const maxShared = 1000;

type Waiting = WaitingIncrement<IncrInput, IncrResult>;

/** Increments that count as one, under one id: a caller's own, or those of all who sent none. */
interface Bundle {
  readonly increment: Increment;
  readonly isCallers: boolean;
  readonly parts: readonly Waiting[];
}

/**
 * An increment of a counter that has no other under way is sent at once, alone. Those that come meanwhile go as one write when
 * it is answered, one after another as far as anybody can tell: each gets the value after itself, is held to its own bounds, and
 * is remembered under its own id. What one write cannot do for all of them, such as creating the counter or answering one
 * that was applied before, is done for each apart.
 */
export function createCombinedIncrement(context: StoreContext): CombinedIncrement {
  const increment = createIncrementsTogether<IncrInput, IncrResult>({
    take: (waiting) => takeGroup(context, waiting),
    write(group, signal) {
      context.counts?.increments(group.length);
      joinInitiators(
        group.map((waiting) => waiting.signal),
        signal,
      );
      return carryOut(context, group, signal);
    },
    left: (reason, { id }, mayBeApplied) => {
      const error = abortError(reason, mayBeApplied ? Outcome.UNKNOWN : Outcome.NOT_APPLIED);
      return mayBeApplied ? repeatable(id !== undefined, error) : error;
    },
  });
  return (input, { signal }) => increment(input.key, input, signal);
}

/** Takes the first, and what can go with it. */
function takeGroup({ clock, requests }: StoreContext, waiting: Set<Waiting>): Waiting[] {
  const group: Waiting[] = [];
  const writers = new Set<string>();
  // An id from before the window needs a look at the item first. Half a window is left for the write's own retries.
  const isYoung = (id: RequestId) => timeOf(id.sequence) >= clock() - requests.windowMs / 2;
  for (const each of waiting) {
    const { id } = each.input;
    const [first] = group;
    if (first === undefined) {
      group.push(each);
      waiting.delete(each);
      if (id !== undefined && !isYoung(id)) {
        break;
      }
    } else if (canGoWith(first.input, each.input) && (id === undefined || (isYoung(id) && !writers.has(id.writer)))) {
      group.push(each);
      waiting.delete(each);
    }
    if (id !== undefined) {
      writers.add(id.writer);
    }
    if (writers.size >= maxIds || group.length >= maxShared) {
      break;
    }
  }
  return group;
}

/** Whether two increments, one after the other, leave the same expiry, and create the same counter. */
function canGoWith(one: IncrInput, other: IncrInput): boolean {
  return one.initial === other.initial && expiryName(one.expiry) === expiryName(other.expiry);
}

function expiryName(expiry: ExpiryPolicy | undefined): string {
  return expiry === undefined ? "keep" : expiry.kind === "at" ? `at ${expiry.second}` : expiry.kind;
}

/** Never rejects: each of the group is told. */
async function carryOut(context: StoreContext, group: readonly Waiting[], signal: AbortSignal): Promise<void> {
  const bundles: Bundle[] = [];
  const shared: Waiting[] = [];
  for (const each of group) {
    const { id } = each.input;
    if (id === undefined) {
      shared.push(each);
    } else {
      bundles.push({ increment: { ...each.input, id }, isCallers: true, parts: [each] });
    }
  }
  const [first] = shared;
  const sum = addUp(shared.map(({ input }) => input));
  if (first === undefined || sum === undefined) {
    // Each in a write of its own, if no counter could take them all.
    await Promise.all([writeBundles(context, bundles, signal), ...shared.map((each) => writeAlone(context, each))]);
    return;
  }
  let apart: readonly Waiting[] = [];
  await withOwnId(context, first.input.key, shared, signal, async (id) => {
    const bundle: Bundle = { increment: { ...first.input, ...sum, id }, isCallers: false, parts: shared };
    apart = await writeBundles(context, [...bundles, bundle], signal);
  });
  // Not before their shared id is given back: each needs one now, and there are few.
  await Promise.all(apart.map((each) => writeAlone(context, each)));
}

/** The server is the writer of what comes without an id, so that its own retries count once. */
async function withOwnId(
  { requests }: StoreContext,
  key: string,
  waiting: readonly Waiting[],
  signal: AbortSignal,
  call: (id: RequestId) => Promise<void>,
): Promise<void> {
  try {
    await requests.ids.use(
      key,
      (text) => {
        const id = parseRequestId(text);
        if (id === undefined) {
          throw new Error("the server has made an id that it does not understand");
        }
        return call(id);
      },
      signal,
    );
  } catch (error) {
    // Those that were told hear nothing of it.
    for (const each of waiting) {
      each.fail(signal.aborted ? abortError(signal.reason, Outcome.NOT_APPLIED) : error);
    }
  }
}

/** Resolves with the parts that were refused together, and may each be applied apart. */
async function writeBundles(
  context: StoreContext,
  bundles: readonly Bundle[],
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  const increments = bundles.map(({ increment }) => increment);
  const [first, ...others] = increments;
  if (first === undefined) {
    return [];
  }
  const doubt: Doubt = {};
  if (others.length > 0 && commonRange(increments) !== undefined) {
    try {
      const item = await updateCounter(context, [first, ...others], "any writer", { signal, doubt });
      settleAll(bundles, appliedResult(context, (increments.at(-1) ?? first).id, item));
      await pruneIfWorthwhile(context, first.key, item, { signal });
      return [];
    } catch (error) {
      if (!(error instanceof ConditionFailed)) {
        failAll(bundles, inDoubt(doubt, error));
        return [];
      }
    }
  }
  // Each bundle listens to it.
  setMaxListeners(0, signal);
  const apart = await Promise.all(bundles.map((bundle) => writeBundle(context, bundle, doubt, signal)));
  return apart.flat();
}

async function writeBundle(
  context: StoreContext,
  bundle: Bundle,
  doubt: Doubt,
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  const { increment, isCallers, parts } = bundle;
  try {
    settleAll([bundle], await incrementOnce(context, increment, { isCallers, signal, doubt: { ...doubt } }));
  } catch (error) {
    const isRefused = error instanceof DynakvError && error.outcome === Outcome.NOT_APPLIED;
    if (parts.length > 1 && isRefused && error.reason === ErrorReason.OUT_OF_BOUNDS) {
      return parts;
    }
    failAll([bundle], error);
  }
  return [];
}

/** An increment without an id, apart from those that it came with. */
async function writeAlone(context: StoreContext, waiting: Waiting): Promise<void> {
  const { input, signal } = waiting;
  await withOwnId(context, input.key, [waiting], signal, async (id) => {
    const bundle: Bundle = { increment: { ...input, id }, isCallers: false, parts: [waiting] };
    await writeBundle(context, bundle, {}, signal);
  });
}

/** Tells each its own result, from that of the last. */
function settleAll(bundles: readonly Bundle[], last: IncrResult): void {
  let value = last.value - bundles.reduce((sum, { increment }) => sum + increment.delta, 0n);
  for (const { increment, parts } of bundles) {
    for (const part of parts) {
      value += part.input.delta;
      part.settle({ ...last, value, etag: counterEtag(nonceOf(increment.id), value) });
    }
  }
}

function failAll(bundles: readonly Bundle[], error: unknown): void {
  for (const { isCallers, parts } of bundles) {
    for (const part of parts) {
      part.fail(repeatable(isCallers, error));
    }
  }
}
