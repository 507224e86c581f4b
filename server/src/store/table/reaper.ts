import { setTimeout as sleep } from "node:timers/promises";
import { DeleteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { classifyError } from "../dynamodb/aws-errors.js";
import type { Item } from "../dynamodb/item.js";
import { versionProjection } from "../layout/item-layout.js";
import { forgettableFrom } from "../layout/request-memory.js";
import type { StoreContext } from "../store-context.js";
import { nowValue } from "../writes/write-condition.js";

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

const expired = "#x <= :now";

/**
 * One pass over the table. Each item is removed only if it is still expired when its turn comes, and if none of the
 * increments that it remembers can be repeated any more.
 */
export async function reapExpired(context: StoreContext, signal: AbortSignal): Promise<void> {
  const { client, layout, clock } = context;
  const scan = {
    TableName: layout.names.table,
    FilterExpression: expired,
    ProjectionExpression: versionProjection,
    ExpressionAttributeNames: layout.namesFor(expired, versionProjection),
    ExpressionAttributeValues: nowValue(clock()),
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
  const { client, layout, clock, requests } = context;
  const memory = layout.memory(item);
  if (memory !== undefined && clock() < forgettableFrom(memory, requests.windowMs)) {
    return;
  }
  const same = memory === undefined ? { expression: "attribute_not_exists(#s)", values: {} } : layout.sameVersion(item);
  const condition = `${expired} AND ${same.expression}`;
  const command = new DeleteItemCommand({
    TableName: layout.names.table,
    Key: layout.key(layout.keyOf(item)),
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(condition),
    ExpressionAttributeValues: { ...nowValue(clock()), ...same.values },
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
