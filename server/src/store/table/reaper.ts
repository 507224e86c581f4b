import { setTimeout as sleep } from "node:timers/promises";
import { classifyError } from "../dynamodb/aws-errors.js";
import type { Item } from "../dynamodb/item.js";
import { forgettableFrom } from "../layout/dedup-state.js";
import { versionProjection } from "../layout/item-layout.js";
import { isGone, isRepeatableMark, isUnrepeatableMark, markedValues } from "../layout/marks.js";
import { archivePrefix } from "../layout/request-archive.js";
import type { StoreContext } from "../store-context.js";
import { isPastSecond, secondValue } from "../writes/write-condition.js";

export interface Reaper {
  stop(): Promise<void>;
}

const intervalMs = 60_000;

export type ReapScope =
  /** All that has expired: for an engine that does not do it itself. */
  | "expired"
  /** The server's own: what is left of deleted counters, and archive items. For a table whose TTL is off. */
  | "leftovers";

/** A reaper of leftovers reads a page of so many items, and then pauses, so that it takes no more than so many read units a second. */
const pageItems = 100;
const unitsPerSecond = 5;
const shortestPauseMs = 1000;

/**
 * Removes expired items, a pass each minute. Nobody's reads depend on it. It ends when the server may not scan the table or delete
 * from it.
 */
export function startReaper(context: StoreContext, scope: ReapScope, onError: (error: unknown) => void): Reaper {
  const stopped = new AbortController();
  const { signal } = stopped;
  const done = run();

  async function run(): Promise<void> {
    if (scope === "leftovers") {
      // There can be none yet, and the replicas of a server start together.
      await pause(intervalMs * (1 + Math.random()), signal);
    }
    while (!signal.aborted) {
      try {
        await (scope === "expired" ? reapExpired(context, signal) : reapLeftovers(context, signal, pause));
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        onError(error);
        if (scope === "leftovers" && classifyError(error).kind === "denied") {
          return;
        }
      }
      await pause(intervalMs, signal);
    }
  }

  return {
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

const expired = `${isPastSecond} AND NOT (${isRepeatableMark})`;
const leftover = `${isPastSecond} AND (begins_with(#k, :archive) OR ${isGone} OR ${isUnrepeatableMark})`;

/**
 * One pass over the table. Each item is removed only if it is still expired when its turn comes, and if none of the
 * increments that it remembers can be repeated any more.
 */
export async function reapExpired(context: StoreContext, signal: AbortSignal): Promise<void> {
  for await (const { items } of scanFor(context, expired, filterValues(context), undefined, signal)) {
    for (const item of items) {
      await removeIfExpired(context, item, signal);
    }
  }
}

/** One pass over the table, page by page with pauses between them, that removes what the server has left of its own. */
export async function reapLeftovers(
  context: StoreContext,
  signal: AbortSignal,
  pauseFor: (ms: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const values = { ...filterValues(context), ":archive": { S: archivePrefix } };
  for await (const { items, units, isLast } of scanFor(context, leftover, values, pageItems, signal)) {
    for (const item of items) {
      await removeIfExpired(context, item, signal);
    }
    if (!isLast) {
      await pauseFor(Math.max(shortestPauseMs, (units / unitsPerSecond) * 1000), signal);
      signal.throwIfAborted();
    }
  }
}

/** The second window is room for clocks that differ. */
function filterValues({ clock, requests }: StoreContext): Item {
  return { ...secondValue(clock()), ...markedValues(clock() - 2 * requests.windowMs) };
}

async function* scanFor(
  { tables, layout }: StoreContext,
  filter: string,
  values: Item,
  limit: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ items: readonly Item[]; units: number; isLast: boolean }> {
  const scan = {
    TableName: layout.names.table,
    FilterExpression: filter,
    ProjectionExpression: versionProjection,
    ExpressionAttributeNames: layout.namesFor(filter, versionProjection),
    ExpressionAttributeValues: values,
    ReturnConsumedCapacity: "TOTAL" as const,
    ...(limit === undefined ? {} : { Limit: limit }),
  };
  let from: Item | undefined;
  do {
    const page = await tables.scan({ ...scan, ...(from === undefined ? {} : { ExclusiveStartKey: from }) }, signal);
    from = page.LastEvaluatedKey;
    yield { items: page.Items ?? [], units: page.ConsumedCapacity?.CapacityUnits ?? 0, isLast: from === undefined };
  } while (from !== undefined);
}

async function removeIfExpired(context: StoreContext, item: Item, signal: AbortSignal): Promise<void> {
  const { tables, layout, clock, requests } = context;
  const memory = layout.memory(item);
  if (memory !== undefined && clock() < forgettableFrom(memory, requests.windowMs)) {
    return;
  }
  // A Delete may have left its mark there since.
  const same =
    memory === undefined
      ? { expression: `attribute_not_exists(#s) AND NOT (${isRepeatableMark})`, values: filterValues(context) }
      : layout.sameVersion(item);
  const condition = `${isPastSecond} AND ${same.expression}`;
  const input = {
    TableName: layout.names.table,
    Key: layout.key(layout.keyOf(item)),
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(condition),
    ExpressionAttributeValues: { ...secondValue(clock()), ...same.values },
  };
  try {
    await tables.deleteItem(input, signal);
  } catch (error) {
    // Written anew since the scan saw it.
    if (classifyError(error).kind !== "condition-failed") {
      throw error;
    }
  }
}
