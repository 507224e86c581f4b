import type { Waiting } from "../../../../common/batching/increment-queue.js";
import { slotName } from "../layout/dedup-state.js";
import { type RequestId, timeOf } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";
import type { IncrInput } from "./increment-counter.js";
import type { IncrResult } from "./recall.js";

/** An update expression has room for some 4 KB: so many ids. Increments without ids share one. */
const maxIds = 32;
/** So many increments without ids share one write at most. */
const maxShared = 1000;

/** An increment that waits for the write that it is to be a part of. */
export type WaitingIncrement = Waiting<IncrInput, IncrResult>;

/** Takes the first, and what can go with it. */
export function takeGroup({ clock, requests }: StoreContext, waiting: Set<WaitingIncrement>): WaitingIncrement[] {
  const group: WaitingIncrement[] = [];
  const ids = new Set<string>();
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
    } else if (canGoWith(first.input, each.input) && (id === undefined || (isYoung(id) && !ids.has(slotName(id))))) {
      group.push(each);
      waiting.delete(each);
    }
    if (id !== undefined) {
      ids.add(slotName(id));
    }
    const most = first?.input.member === undefined ? maxShared : maxIds;
    if (ids.size >= maxIds || group.length >= most) {
      break;
    }
  }
  return group;
}

/**
 * Returns true if two increments both keep the counter's expiry or both set one: then the last one's is left. The first alone says
 * how the counter begins, as it would if they came one after another. Those with members are a group of their own, whose writes are
 * made at the same time, but each apart: most may be of members that were counted before.
 */
function canGoWith(one: IncrInput, other: IncrInput): boolean {
  return (one.member === undefined) === (other.member === undefined) && keepsExpiry(one) === keepsExpiry(other);
}

function keepsExpiry({ expiry }: IncrInput): boolean {
  return expiry === undefined || expiry.kind === "keep";
}
