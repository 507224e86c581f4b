import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import { ConditionFailed, pause, withRetries } from "../dynamodb/retry.js";
import type { Slot } from "../layout/dedup-state.js";
import type { CallOptions } from "../layout/entry.js";
import { isExpired } from "../layout/expiry.js";
import {
  type ArchiveItem,
  archiveItemsOf,
  commonLevel,
  findAmong,
  finest,
  slotsByItem,
  toArchived,
} from "../layout/request-archive.js";
import type { RequestId } from "../layout/request-id.js";
import type { StoreContext } from "../store-context.js";

/** So many full items are remembered, so that none is tried twice. */
const maxKnownFull = 10_000;

/**
 * Writes slots into the archive of their counter: ordinarily by one UpdateItem, and by more where an item is full. To do it twice,
 * or by two replicas at a time, is to do it once. Resolves with those that are there now; rejects when none is.
 */
export function archiveSlots(
  context: StoreContext,
  counterKey: string,
  slots: readonly Slot[],
  options: CallOptions,
): Promise<readonly Slot[]> {
  return archiveAt(context, counterKey, slots, commonLevel(slots), options);
}

async function archiveAt(
  context: StoreContext,
  counterKey: string,
  slots: readonly Slot[],
  level: number,
  options: CallOptions,
): Promise<readonly Slot[]> {
  const { requests } = context;
  const { fullArchiveItems: full } = requests;
  const writes = await Promise.allSettled(
    slotsByItem(counterKey, slots, level, requests.windowMs).map(async ([item, itsSlots]) => {
      if (!full.has(item.key)) {
        try {
          await addTo(context, item, itsSlots, options);
          return itsSlots;
        } catch (error) {
          if (!(error instanceof ConditionFailed)) {
            throw error;
          }
        }
        if (level === finest) {
          throw new DynakvError(
            ErrorReason.CONTENTION,
            "too many request ids share one millisecond; generate each request_id from an advancing clock",
            { retryAfterMs: 1000 },
          );
        }
        const [oldest] = full.size >= maxKnownFull ? full : [];
        if (oldest !== undefined) {
          full.delete(oldest);
        }
        full.add(item.key);
      }
      return archiveAt(context, counterKey, itsSlots, level + 1, options);
    }),
  );
  const archived = writes.flatMap((write) => (write.status === "fulfilled" ? write.value : []));
  const failed = writes.find((write) => write.status === "rejected");
  if (archived.length === 0 && failed !== undefined) {
    throw failed.reason;
  }
  return archived;
}

async function addTo(
  { dynamodb, layout, budget }: StoreContext,
  { key, expireAt, fullAt }: ArchiveItem,
  slots: readonly Slot[],
  options: CallOptions,
): Promise<void> {
  const condition = "attribute_not_exists(#s) OR size(#s) < :full";
  const update = "SET #x = :expires ADD #s :slots";
  const request: UpdateItemCommandInput = {
    TableName: layout.names.table,
    Key: layout.key(key),
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: layout.namesFor(update, condition),
    ExpressionAttributeValues: {
      ":full": { N: fullAt.toString() },
      ":expires": { N: expireAt.toString() },
      ":slots": { BS: slots.map(toArchived) },
    },
  };
  await withRetries((signal) => dynamodb.updateItem(request, signal), { ...options, budget, access: "fenced-write" });
}

/** The most keys of a BatchGetItem. */
const maxBatch = 100;
/** Consecutive times that DynamoDB may answer for none of the keys that were asked for. */
const maxIdleRounds = 10;

const archiveProjection = "#k, #s";

/**
 * The results of those ids of a counter that are in its archive, by the names of their slots. With `isOld`, for ids that are not
 * added whatever is found, it looks into no item that has expired.
 */
export async function findArchived(
  context: StoreContext,
  counterKey: string,
  ids: readonly RequestId[],
  isOld: boolean,
  options: CallOptions,
): Promise<ReadonlyMap<string, bigint>> {
  const { clock, requests, layout } = context;
  const items = ids.flatMap((id) => archiveItemsOf(counterKey, id, requests.windowMs));
  const left = isOld ? items.filter(({ expireAt }) => !isExpired(expireAt * 1000, clock())) : items;
  const keys = [...new Set(left.map(({ key }) => key))];
  const batches: string[][] = [];
  for (let from = 0; from < keys.length; from += maxBatch) {
    batches.push(keys.slice(from, from + maxBatch));
  }
  const found = (await Promise.all(batches.map((batch) => readStrongly(context, batch, options)))).flat();
  return findAmong(found.flatMap(layout.archived), ids);
}

/** All of these items that there are. Whatever is not known of any of them is an error: it would be taken for an unknown id. */
async function readStrongly(
  { dynamodb, layout, budget }: StoreContext,
  keys: readonly string[],
  { signal }: CallOptions,
): Promise<Item[]> {
  const { table } = layout.names;
  const items: Item[] = [];
  let left = keys.map(layout.key);
  for (let idleRounds = 0; left.length > 0; ) {
    const input = {
      RequestItems: {
        [table]: {
          Keys: left,
          ConsistentRead: true,
          ProjectionExpression: archiveProjection,
          ExpressionAttributeNames: layout.namesFor(archiveProjection),
        },
      },
    };
    const send = async (abortSignal: AbortSignal) => {
      const { Responses, UnprocessedKeys } = await dynamodb.batchGetItem(input, abortSignal);
      const found = Responses?.[table];
      if (found === undefined) {
        throw new Error("the answer to BatchGetItem has no responses for the table");
      }
      return { found, unprocessed: UnprocessedKeys?.[table]?.Keys ?? [] };
    };
    const { found, unprocessed } = await withRetries(send, { budget, signal, access: "read" });
    items.push(...found);
    idleRounds = unprocessed.length < left.length ? 0 : idleRounds + 1;
    if (idleRounds >= maxIdleRounds) {
      throw new DynakvError(ErrorReason.THROTTLED, "DynamoDB kept returning the counter's archive as unprocessed", {
        retryAfterMs: 1000,
      });
    }
    left = unprocessed.map((key) => layout.key(layout.keyOf(key)));
    if (left.length > 0) {
      await pause(idleRounds + 1, signal);
    }
  }
  return items;
}
