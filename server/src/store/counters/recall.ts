import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import { type DedupState, type Fence, mayBeArchived, slotName } from "../layout/dedup-state.js";
import type { CallOptions } from "../layout/entry.js";
import { counterEtag } from "../layout/etags.js";
import { nonceOf, type RequestId } from "../layout/request-id.js";
import { readItemStrongly } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import type { Increment } from "./counter-requests.js";
import type { LateSection } from "./late-section.js";
import { findArchived } from "./request-archive.js";
import { tooOld } from "./request-times.js";

export interface IncrResult {
  readonly value: bigint;
  readonly etag: string;
  readonly expireAtMs: number | undefined;
  /** True if this is the answer to an earlier request, or to an earlier try of this one. */
  readonly replayed: boolean;
}

/** Replays and duplicates found in a counter's item. */
export interface Recalled {
  /** Undefined when the item remembers nothing. */
  readonly memory: DedupState | undefined;
  /** The answers to those that were applied before. */
  readonly replays: ReadonlyMap<Increment, IncrResult>;
  /** Guard for writing the others. */
  readonly fence: Fence;
}

/**
 * Looks for increments of one counter in its item, and for those that may have been moved in the archive: after the item, so that
 * what is moved meanwhile is in the archive before it is looked for there. With `isOld`, for ids that are too old to be added,
 * those items of the archive are left out that have expired.
 */
export async function recall(
  context: StoreContext,
  increments: readonly Increment[],
  item: Item | undefined,
  options: CallOptions,
  isOld = false,
): Promise<Recalled> {
  const memory = item === undefined ? undefined : memoryOf(context, item);
  const isLate = ({ id }: Increment) => memory !== undefined && mayBeArchived(memory, id);
  const inSlots = new Map(increments.flatMap((each) => pair(each, resultInSlot(memory, each.id))));
  const late = increments.filter((each) => isLate(each) && !inSlots.has(each));
  const inArchive = await recallArchived(context, late, isOld, options);
  const replays = new Map<Increment, IncrResult>();
  for (const [increment, result] of [...inSlots, ...inArchive]) {
    const isThere = context.layout.decode(item, context.clock()) !== undefined;
    replays.set(increment, {
      value: result,
      etag: counterEtag(nonceOf(increment.id), result),
      expireAtMs: item !== undefined && isThere ? context.layout.expireAtMs(item) : undefined,
      replayed: true,
    });
  }
  const mindsEpoch = memory !== undefined && late.some((each) => !replays.has(each));
  return { memory, replays, fence: mindsEpoch ? { epoch: memory.epoch } : "floor" };
}

/**
 * The item in which increments are looked for: as it was seen, or, where one of them may be in the archive and others were to
 * be written first, as it is when it is its turn.
 */
export async function inTurn(
  context: StoreContext,
  increments: readonly Increment[],
  seen: Item | undefined,
  section: LateSection,
  options: CallOptions,
): Promise<Item | undefined> {
  const [first] = increments;
  const memory = seen && context.layout.memory(seen);
  const isLate = ({ id }: Increment) =>
    memory !== undefined && mayBeArchived(memory, id) && resultInSlot(memory, id) === undefined;
  if (first === undefined || !increments.some(isLate)) {
    return seen;
  }
  const hasWaited = section.isTaken;
  await section.enter(options.signal);
  return hasWaited ? readItemStrongly(context, first.key, options) : seen;
}

function resultInSlot(memory: DedupState | undefined, id: RequestId): bigint | undefined {
  const slot = memory?.slots.get(slotName(id));
  return slot?.sequence === id.sequence ? slot.result : undefined;
}

async function recallArchived(
  context: StoreContext,
  late: readonly Increment[],
  isOld: boolean,
  options: CallOptions,
): Promise<[Increment, bigint][]> {
  const [first] = late;
  if (first === undefined) {
    return [];
  }
  const ids = late.map(({ id }) => id);
  const found = await findArchived(context, first.key, ids, isOld, options);
  return late.flatMap((each) => pair(each, found.get(slotName(each.id))));
}

function pair(increment: Increment, result: bigint | undefined): [Increment, bigint][] {
  return result === undefined ? [] : [[increment, result]];
}

/** Deduplication state of an item. Throws UNREADABLE_ITEM when the attribute is another program's. */
function memoryOf({ layout }: StoreContext, item: Item): DedupState | undefined {
  const name = layout.names.requestsAttribute;
  if (item[name] !== undefined && item[name].M === undefined) {
    throw new DynakvError(
      ErrorReason.UNREADABLE_ITEM,
      `the item's attribute '${name}', in which dynakv remembers increments, is not a map, so another program has written it; name one that no other uses in the setting requestsAttribute`,
      { outcome: Outcome.NOT_APPLIED },
    );
  }
  return layout.memory(item);
}

/** Throws when it cannot be told any more whether an increment that was not found was applied. */
export function refuseForgotten(memory: DedupState | undefined, { id }: Increment): void {
  const last = id.isOwn ? memory?.slots.get(slotName(id)) : undefined;
  if (memory !== undefined && ((last !== undefined && last.sequence > id.sequence) || memory.lost >= id.sequence)) {
    throw tooOld("its deduplication record has expired");
  }
}
