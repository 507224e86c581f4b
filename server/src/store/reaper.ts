import { setTimeout as sleep } from "node:timers/promises";
import { DeleteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { classifyError } from "./aws-errors.js";
import { currentSecond, type Item } from "./item-layout.js";
import type { StoreContext } from "./store-context.js";
import { nowValue } from "./write-condition.js";

export interface Reaper {
  stop(): Promise<void>;
}

const intervalMs = 60_000;

/**
 * Removes expired items, a pass each minute, for engines that do not do it themselves. Nobody's reads depend on it.
 */
export function startReaper(context: StoreContext, onError: (error: unknown) => void): Reaper {
  const stopped = new AbortController();
  const done = run();

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await reapExpired(context, stopped.signal);
        await sleep(intervalMs, undefined, { signal: stopped.signal, ref: false });
      } catch (error) {
        if (stopped.signal.aborted) {
          return;
        }
        onError(error);
        await sleep(intervalMs, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  return {
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

/**
 * True of an item that can be removed: it has expired, and if it remembers increments, so long ago that none of them can be
 * repeated, even where the clocks of two replicas differ by a window.
 */
const isReapable = "#x <= :now AND attribute_not_exists(#s) OR #x <= :past";

function pastValues({ clock, requests }: StoreContext): Item {
  const nowMs = clock();
  return { ...nowValue(nowMs), ":past": { N: currentSecond(nowMs - 2 * requests.windowMs).toString() } };
}

/** One pass over the table. Each item is removed only if it still can be when its turn comes. */
export async function reapExpired(context: StoreContext, signal: AbortSignal): Promise<void> {
  const { client, layout } = context;
  const scan = {
    TableName: layout.names.table,
    FilterExpression: isReapable,
    ProjectionExpression: "#k",
    ExpressionAttributeNames: layout.namesFor(isReapable, "#k"),
    ExpressionAttributeValues: pastValues(context),
  };
  let from: Item | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ ...scan, ...(from === undefined ? {} : { ExclusiveStartKey: from }) }),
      {
        abortSignal: signal,
      },
    );
    for (const item of page.Items ?? []) {
      await removeIfExpired(context, item, signal);
    }
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

async function removeIfExpired(context: StoreContext, item: Item, signal: AbortSignal): Promise<void> {
  const { client, layout } = context;
  const command = new DeleteItemCommand({
    TableName: layout.names.table,
    Key: item,
    ConditionExpression: isReapable,
    ExpressionAttributeNames: layout.namesFor(isReapable),
    ExpressionAttributeValues: pastValues(context),
  });
  try {
    await client.send(command, { abortSignal: signal });
  } catch (error) {
    // Written anew since the scan saw it.
    if (classifyError(error).kind !== "condition-failed") {
      throw error;
    }
  }
}
