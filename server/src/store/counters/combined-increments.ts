import { setMaxListeners } from "node:events";
import { addUp, commonRange, createIncrementQueue } from "../../../../common/batching/increment-queue.js";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { joinInitiators } from "../dynamodb/initiators.js";
import { ConditionFailed, readFailed, type UncertainOutcome, withUncertainOutcome } from "../dynamodb/retry.js";
import type { DedupState, Fence } from "../layout/dedup-state.js";
import type { CallOptions } from "../layout/entry.js";
import { counterEtag, isExpired } from "../layout/item-layout.js";
import { nonceOf, parseRequestId, type RequestId } from "../layout/request-id.js";
import { itemAfterFailure } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import { type Increment, updateCounter } from "./counter-requests.js";
import {
  appliedResult,
  type IncrInput,
  incrementOnce,
  mayBeRepeated,
  repeatable,
  unapplied,
} from "./increment-counter.js";
import { takeGroup, type WaitingIncrement as Waiting } from "./increment-group.js";
import { createLateSection, type LateSection } from "./late-section.js";
import { type IncrResult, inTurn, recall, refuseForgotten } from "./recall.js";
import { tellTime, untimely } from "./request-times.js";
import { makeRoomIfFull, trimIfWorthwhile } from "./trim-memory.js";

/** Adds to a counter, together with others that come at the same time. */
export type CombinedIncrement = (input: IncrInput, options: CallOptions) => Promise<IncrResult>;

/** Increments that count as one, under one id: a caller's own, or those of all who sent none. */
interface Bundle {
  readonly increment: Increment;
  /** True if callers may send it again, and it still counts once. */
  readonly isRepeatable: boolean;
  readonly parts: readonly Waiting[];
}

/**
 * An increment of a counter that has no other under way is sent at once, alone. Those that come meanwhile go as one write when
 * it is answered, one after another as far as anybody can tell: each gets the value after itself, is held to its own bounds, and
 * is remembered under its own id. What one write cannot do for all of them, such as creating the counter or answering one
 * that was applied before, is done for each apart.
 */
export function createCombinedIncrement(context: StoreContext): CombinedIncrement {
  const increment = createIncrementQueue<IncrInput, IncrResult>({
    take: (waiting) => takeGroup(context, waiting),
    write(group, signal) {
      context.counts?.increments(group.length);
      joinInitiators(
        group.map((waiting) => waiting.signal),
        signal,
      );
      return carryOut(context, group, signal);
    },
    left: (reason, input, mayBeApplied) => {
      const error = abortError(reason, mayBeApplied ? Outcome.UNKNOWN : Outcome.NOT_APPLIED);
      return mayBeApplied ? repeatable(mayBeRepeated(input), error) : error;
    },
  });
  return (input, options) => {
    const { id } = input;
    return id !== undefined && untimely(context, id) !== undefined
      ? lookForOne(context, { ...input, id }, options)
      : increment(input.key, input, options.signal);
  };
}

/** What may not be added for its time holds up none that may. */
async function lookForOne(context: StoreContext, input: Increment, { signal }: CallOptions): Promise<IncrResult> {
  return inSection(context, input.key, async (section) => {
    const options = { isRepeatable: true, section, signal, uncertain: {} };
    return (await incrementOnce(context, input, options)).result;
  });
}

/** Never rejects: each of the group is told. */
async function carryOut(context: StoreContext, group: readonly Waiting[], signal: AbortSignal): Promise<void> {
  const bundles: Bundle[] = [];
  const shared: Waiting[] = [];
  let apart: readonly Waiting[] = group.filter(({ input }) => input.id === undefined && input.member !== undefined);
  for (const each of group) {
    const { id, member } = each.input;
    if (id === undefined && member === undefined) {
      shared.push(each);
    } else if (id !== undefined) {
      bundles.push({ increment: { ...each.input, id }, isRepeatable: true, parts: [each] });
    }
  }
  const [first] = shared;
  const sum = addUp(shared.map(({ input }) => input));
  if (first === undefined || sum === undefined) {
    // Each in a write of its own, if no counter could take them all.
    apart = [...apart, ...shared];
    await Promise.all([writeBundles(context, bundles, signal), ...apart.map((each) => writeAlone(context, each))]);
    return;
  }
  await withOwnId(context, first.input.key, shared, signal, async (id) => {
    const bundle: Bundle = { increment: { ...first.input, ...sum, id }, isRepeatable: false, parts: shared };
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
        const id = parseRequestId(text, true);
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

/** Consecutive times that a write of several may be refused, while what is known of them changes each time. */
const maxRounds = 12;

/** Resolves with the parts that were refused together, and may each be applied apart. */
async function writeBundles(
  context: StoreContext,
  bundles: readonly Bundle[],
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  // Each bundle listens to it.
  setMaxListeners(0, signal);
  const uncertain: UncertainOutcome = {};
  const key = bundles[0]?.increment.key ?? "";
  const together = (some: readonly Bundle[]) =>
    inSection(context, key, (section) => writeGroup(context, some, uncertain, section, signal));
  const apart: Waiting[] = [];
  let { left, isThere } = await together(bundles);
  const [first, ...others] = left;
  if (!isThere && first !== undefined && others.length > 0) {
    // It creates the counter for the others.
    apart.push(...(await writeBundle(context, first, uncertain, signal)));
    ({ left } = await together(others));
  }
  const refused = await Promise.all(left.map((bundle) => writeBundle(context, bundle, uncertain, signal)));
  return [...apart, ...refused.flat()];
}

async function inSection<T>(
  { requests }: StoreContext,
  key: string,
  call: (section: LateSection) => Promise<T>,
): Promise<T> {
  const section = createLateSection(requests.late, key);
  try {
    return await call(section);
  } finally {
    section.leave();
  }
}

/** What could not be written together. */
interface Left {
  readonly left: readonly Bundle[];
  /** True if there is a counter to write to, as far as is known. */
  readonly isThere: boolean;
}

/** Writes all that one write can do, and tells those. */
async function writeGroup(
  context: StoreContext,
  bundles: readonly Bundle[],
  uncertain: UncertainOutcome,
  section: LateSection,
  signal: AbortSignal,
): Promise<Left> {
  let left = bundles;
  let fence: Fence = "floor";
  let unexplained = 0;
  for (let round = 0; round < maxRounds; round++) {
    const increments = left.map(({ increment }) => increment);
    const [first, ...others] = increments;
    const canShareWrite = others.length > 0 && first?.member === undefined && commonRange(increments) !== undefined;
    if (first === undefined || !canShareWrite) {
      break;
    }
    try {
      const options = { fence, needsRoom: true, signal, uncertain };
      const item = await updateCounter(context, [first, ...others], options);
      settleAll(left, appliedResult(context, (others.at(-1) ?? first).id, item));
      await trimIfWorthwhile(context, first.key, item, section, { signal });
      return { left: [], isThere: true };
    } catch (error) {
      try {
        const after = await afterRefusal(context, left, error, uncertain, section, { signal });
        const isSame = after.left.length === left.length && isEqualFence(after.fence, fence);
        ({ left, fence } = after);
        unexplained += isSame && !after.hasMadeRoom ? 1 : 0;
        // An item that was read after the refusal may not be the one that was refused any more.
        if (!after.isThere || unexplained > (context.engine.returnsOldItems ? 0 : 1)) {
          return after;
        }
      } catch (cause) {
        failAll(left, withUncertainOutcome(uncertain, readFailed(cause)));
        return { left: [], isThere: true };
      }
    }
  }
  return { left, isThere: true };
}

/** Tells those that were applied before, and what a write of the others has to be guarded by. Throws what was no refusal. */
async function afterRefusal(
  context: StoreContext,
  bundles: readonly Bundle[],
  error: unknown,
  uncertain: UncertainOutcome,
  section: LateSection,
  options: CallOptions,
): Promise<Left & { readonly fence: Fence; readonly hasMadeRoom: boolean }> {
  const [first] = bundles;
  if (!(error instanceof ConditionFailed) || first === undefined) {
    throw error;
  }
  const { layout, clock } = context;
  const seen = await itemAfterFailure(context, first.increment.key, error, options);
  const increments = bundles.map(({ increment }) => increment);
  const item = await inTurn(context, increments, seen, section, options);
  const { memory, replays, fence } = await recall(context, increments, item, options);
  const left: Bundle[] = [];
  for (const bundle of bundles) {
    const replay = replays.get(bundle.increment);
    if (replay !== undefined) {
      settleAll([bundle], replay);
      continue;
    }
    try {
      refuseForgotten(memory, bundle.increment);
      left.push(bundle);
    } catch (forgotten) {
      failAll([bundle], tellTime(context, uncertain, forgotten));
    }
  }
  const makeRoom = (full: DedupState) =>
    unapplied(makeRoomIfFull(context, first.increment.key, full, section, options));
  return {
    left,
    hasMadeRoom: left.length > 0 && memory !== undefined && (await makeRoom(memory)) === "made",
    isThere: memory?.gone === false && item !== undefined && !isExpired(layout.expireAtMs(item), clock()),
    fence,
  };
}

function isEqualFence(one: Fence, other: Fence): boolean {
  return one === "floor" || other === "floor" ? one === other : one.epoch === other.epoch;
}

async function writeBundle(
  context: StoreContext,
  bundle: Bundle,
  uncertain: UncertainOutcome,
  signal: AbortSignal,
): Promise<readonly Waiting[]> {
  const { increment, isRepeatable, parts } = bundle;
  return inSection(context, increment.key, async (section) => {
    try {
      const options = { isRepeatable, section, signal, uncertain: { ...uncertain } };
      const { result, item } = await incrementOnce(context, increment, options);
      settleAll([bundle], result);
      if (item !== undefined) {
        await trimIfWorthwhile(context, increment.key, item, section, { signal });
      }
    } catch (error) {
      const isRefused = error instanceof DynakvError && error.outcome === Outcome.NOT_APPLIED;
      if (parts.length > 1 && isRefused && error.reason === ErrorReason.OUT_OF_BOUNDS) {
        return parts;
      }
      failAll([bundle], error);
    }
    return [];
  });
}

/** An increment without an id, apart from those that it came with. */
async function writeAlone(context: StoreContext, waiting: Waiting): Promise<void> {
  const { input, signal } = waiting;
  await withOwnId(context, input.key, [waiting], signal, async (id) => {
    const bundle: Bundle = { increment: { ...input, id }, isRepeatable: mayBeRepeated(input), parts: [waiting] };
    await writeBundle(context, bundle, {}, signal);
  });
}

/** Tells each its own result, from that of the last. */
function settleAll(bundles: readonly Bundle[], last: IncrResult): void {
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
    part.settle({ ...last, value, etag: counterEtag(nonce, value) });
  }
}

function failAll(bundles: readonly Bundle[], error: unknown): void {
  for (const { isRepeatable, parts } of bundles) {
    for (const part of parts) {
      part.fail(repeatable(isRepeatable, error));
    }
  }
}
