import { commonRange } from "../../../../common/batching/increment-queue.js";
import type { Item } from "../dynamodb/item.js";
import { ConditionFailed, readFailed, type UncertainOutcome, withUncertainOutcome } from "../dynamodb/retry.js";
import type { DedupState, Fence } from "../layout/dedup-state.js";
import type { CallOptions } from "../layout/entry.js";
import { isExpired } from "../layout/expiry.js";
import { itemAfterFailure, readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import { entryIn } from "../writes/returned-entry.js";
import { type CounterRange, type TryOptions, updateCounter } from "./counter-requests.js";
import { type Bundle, bundleOfOne, failAll, type Picked, pick, refuseAll, settleAll } from "./increment-bundles.js";
import { appliedResult, unapplied } from "./increment-counter.js";
import type { WaitingIncrement as Waiting } from "./increment-group.js";
import type { LateSection } from "./late-section.js";
import { inTurn, recall, refuseForgotten } from "./recall.js";
import { tellTime } from "./request-times.js";
import { makeRoomIfFull, trimIfWorthwhile } from "./trim-memory.js";

/** Consecutive times that a write of several may be refused, while what is known of them changes each time. */
const maxRounds = 12;

/** Increments that could not be written together. */
export interface Left {
  readonly left: readonly Bundle[];
  /** Those that need an id of their own now. */
  readonly apart: readonly Waiting[];
  /** True if the counter is believed to exist. */
  readonly isThere: boolean;
}

const nothingLeft: Left = { left: [], apart: [], isThere: true };

/** Writes all that one write can do, and tells those, and those that would leave their bounds. */
export async function writeGroup(
  context: StoreContext,
  bundles: readonly Bundle[],
  uncertain: UncertainOutcome,
  section: LateSection,
  signal: AbortSignal,
): Promise<Left> {
  let left = bundles;
  let fence: Fence = "floor";
  let unexplained = 0;
  /** Which of those that are left the counter takes, where it does not take them all. */
  let picked: Picked | undefined;
  /** Those that were left out of a write of which it is not known what became. */
  let leftOut: readonly Waiting[] = [];
  for (let round = 0; round < maxRounds; round++) {
    const [first, ...others] = picked?.taken ?? left;
    const isSeveral = picked !== undefined || others.length > 0 || (first?.parts.length ?? 0) > 1;
    if (first === undefined || !isSeveral || first.increment.member !== undefined) {
      break;
    }
    let seen: Item | undefined;
    try {
      const written = await writeInRange(context, [first, ...others], picked?.range, { fence, signal, uncertain });
      if (written.isDone) {
        refuseAll(picked?.refused ?? []);
        await trimIfWorthwhile(context, first.increment.key, written.item, section, { signal });
        return asLeft(leftOut);
      }
      seen = written.item;
    } catch (error) {
      failAll([first, ...others], withUncertainOutcome(uncertain, readFailed(error)));
      // It is unknown whether these would have exceeded their bounds after the others.
      return asLeft(picked?.refused ?? leftOut);
    }
    if (picked !== undefined && uncertain.error !== undefined) {
      // An earlier try of this write may have been applied, or still be: a shared id stands for what was in it, and no more.
      left = picked.taken;
      leftOut = picked.refused;
    }
    try {
      const after = await afterRefusal(context, left, seen, uncertain, section, { signal });
      const isSame = after.left.length === left.length && isEqualFence(after.fence, fence);
      ({ left, fence } = after);
      // While it is not known what became of an earlier try, nobody can be told that nothing was added.
      picked = after.count === undefined || uncertain.error !== undefined ? undefined : pick(left, after.count);
      if (picked?.taken.length === 0) {
        refuseAll(picked.refused);
        return nothingLeft;
      }
      unexplained += isSame && !after.hasMadeRoom && picked === undefined ? 1 : 0;
      // An item that was read after the refusal may not be the one that was refused any more.
      if (!after.isThere || unexplained > (context.engine.returnsOldItems ? 0 : 1)) {
        return withLeft(after, leftOut);
      }
    } catch (cause) {
      failAll(left, withUncertainOutcome(uncertain, readFailed(cause)));
      return asLeft(leftOut);
    }
  }
  return withLeft({ left, apart: [], isThere: true }, leftOut);
}

/** Writes bundles by one request, and tells them; or finds the item on which that is refused, or would be. */
async function writeInRange(
  context: StoreContext,
  bundles: readonly [Bundle, ...Bundle[]],
  pickedRange: CounterRange | undefined,
  options: TryOptions & { readonly fence: Fence },
): Promise<
  { readonly isDone: true; readonly item: Item } | { readonly isDone: false; readonly item: Item | undefined }
> {
  const [{ increment: first }] = bundles;
  const others = bundles.slice(1).map(({ increment }) => increment);
  const range = pickedRange ?? commonRange([first, ...others]);
  if (range === undefined) {
    return { isDone: false, item: await readItemStrongly(context, first.key, options) };
  }
  try {
    const item = await updateCounter(context, [first, ...others], { ...options, needsRoom: true, range });
    settleAll(bundles, appliedResult(context, (others.at(-1) ?? first).id, item));
    return { isDone: true, item };
  } catch (error) {
    if (!(error instanceof ConditionFailed)) {
      throw error;
    }
    return { isDone: false, item: await itemAfterFailure(context, first.key, error, options) };
  }
}

/** Those with ids of their own can go on under them. */
function asLeft(waiting: readonly Waiting[]): Left {
  const left: Bundle[] = [];
  const apart: Waiting[] = [];
  for (const each of waiting) {
    const { id } = each.input;
    if (id === undefined) {
      apart.push(each);
    } else {
      left.push(bundleOfOne(each, id));
    }
  }
  return { left, apart, isThere: true };
}

function withLeft(some: Left, waiting: readonly Waiting[]): Left {
  const { left, apart } = asLeft(waiting);
  return { ...some, left: [...some.left, ...left], apart: [...some.apart, ...apart] };
}

/** Findings after a refused write. */
interface AfterRefusal extends Left {
  readonly fence: Fence;
  readonly hasMadeRoom: boolean;
  /** The counter; undefined where there is none. */
  readonly count: bigint | undefined;
}

/** Tells those that were applied before, and what a write of the others has to be guarded by. */
async function afterRefusal(
  context: StoreContext,
  bundles: readonly Bundle[],
  seen: Item | undefined,
  uncertain: UncertainOutcome,
  section: LateSection,
  options: CallOptions,
): Promise<AfterRefusal> {
  const { layout, clock } = context;
  const increments = bundles.map(({ increment }) => increment);
  const key = increments[0]?.key ?? "";
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
  const makeRoom = (full: DedupState) => unapplied(makeRoomIfFull(context, key, full, section, options));
  const isThere = memory?.gone === false && item !== undefined && !isExpired(layout.expireAtMs(item), clock());
  const data = isThere ? entryIn(context, item, clock())?.data : undefined;
  return {
    left,
    apart: [],
    hasMadeRoom: left.length > 0 && memory !== undefined && (await makeRoom(memory)) === "made",
    isThere,
    fence,
    count: data?.kind === "counter" ? data.counter : undefined,
  };
}

function isEqualFence(one: Fence, other: Fence): boolean {
  return one === "floor" || other === "floor" ? one === other : one.epoch === other.epoch;
}
