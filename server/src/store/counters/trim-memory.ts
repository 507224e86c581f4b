import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import type { Item } from "../dynamodb/item.js";
import { ConditionFailed, noRetries, withRetries } from "../dynamodb/retry.js";
import { type DedupState, fewestWorthTrimming, planTrim, type Trim, trimExpressions } from "../layout/dedup-state.js";
import type { CallOptions } from "../layout/entry.js";
import { itemAfterFailure } from "../reads/read-entry.js";
import type { StoreContext } from "../store-context.js";
import type { LateSection } from "./late-section.js";
import { archiveSlots } from "./request-archive.js";

/** Consecutive times that another replica may trim the same item first. */
const maxRounds = 3;

/** An item with so many times the slots that it should have is made smaller whatever else goes on. */
const pressing = 3;

/**
 * Keeps a counter's item small, when an answer shows that it has grown. The increment is done: nothing that goes wrong here
 * concerns its caller, nor is worth a second try as a rule, for the next increment will see to it.
 */
export async function trimIfWorthwhile(
  context: StoreContext,
  key: string,
  item: Item,
  section: LateSection,
  options: CallOptions,
): Promise<void> {
  const { layout, requests } = context;
  const { trimming, maxSlots } = requests;
  const entries = layout.memoryEntries(item);
  const isPressing = entries > pressing * maxSlots;
  // A trim would make the work of another in its section worthless, who will see to it.
  const isOthers = trimming.has(key) || (section.isTaken && !isPressing);
  if (entries < fewestWorthTrimming(maxSlots) || isOthers) {
    return;
  }
  trimming.add(key);
  try {
    const budget = isPressing ? context.budget : noRetries;
    await trim({ ...context, budget }, key, layout.memory(item), false, options);
  } catch {
    // As said.
  } finally {
    trimming.delete(key);
  }
}

/** So many entries make an item full: 10 KB. It is made smaller long before, unless that fails time after time. */
export const fullAtEntries = 400;

/**
 * Makes room in an item that has none. There may be nothing that could go: then all slots are those of servers, hundreds of which
 * have written within the window, and the item may as well grow.
 */
export async function makeRoomIfFull(
  context: StoreContext,
  key: string,
  memory: DedupState,
  section: LateSection,
  options: CallOptions,
): Promise<"not full" | "made" | "full for good"> {
  if (memory.entries < fullAtEntries) {
    return "not full";
  }
  await section.enter(options.signal);
  return (await trim(context, key, memory, true, options)) ? "made" : "full for good";
}

/** First into the archive, then out of the item: who stops between the two has done no harm. */
async function trim(
  context: StoreContext,
  key: string,
  first: DedupState | undefined,
  needed: boolean,
  options: CallOptions,
): Promise<boolean> {
  const { clock, requests, layout } = context;
  let memory = first;
  for (let round = 0; round < maxRounds && memory !== undefined; round++) {
    const plan = planTrim(memory, requests, clock(), needed);
    if (plan === undefined) {
      return round > 0;
    }
    // Slots that could not be archived stay.
    const moved = plan.moved.length > 0 ? await archiveSlots(context, key, plan.moved, options) : [];
    try {
      await removeSlots(context, key, memory, { ...plan, moved }, options);
      return true;
    } catch (error) {
      if (!(error instanceof ConditionFailed)) {
        throw error;
      }
      const item = await itemAfterFailure(context, key, error, options);
      memory = item && layout.memory(item);
    }
  }
  return true;
}

async function removeSlots(
  { dynamodb, layout, budget }: StoreContext,
  key: string,
  memory: DedupState,
  plan: Trim,
  options: CallOptions,
): Promise<void> {
  const { update, condition, names, values } = trimExpressions(memory, plan);
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: { ...layout.namesFor(condition), ...names },
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  await withRetries((signal) => dynamodb.updateItem(request, signal), { ...options, budget, access: "fenced-write" });
}
