import { Code } from "@connectrpc/connect";
import { createReadCoalescer } from "../../../common/batching/read-coalescer.js";
import { KeyValueService, ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import type { ReadOptions } from "../call-options.js";
import { type Entry, type EntryMetadata, toEntry, toMetadata } from "../entry.js";
import { DynakvError, endedHere } from "../errors.js";
import { readChunk } from "../mget/read-chunk.js";
import { toConsistency } from "../write-options.js";

export type Get<E = Entry> = (call: Call, key: string, options: ReadOptions) => Promise<E | undefined>;

/** The result for one key. */
type Found<E> = E | DynakvError | undefined;

/** Well below what a server takes in one message, also with the longest keys, and more than one turn brings. */
const maxKeys = 1000;

/** One Get. */
export const getAlone: Get = async (call, key, options) => {
  const { entry } = await call.unary(KeyValueService.method.get, { key, consistency: toConsistency(options) });
  return entry && toEntry(key, entry);
};

/** One Get of metadata. */
export const getMetadataAlone: Get<EntryMetadata> = async (call, key, options) => {
  const request = { key, consistency: toConsistency(options), metadataOnly: true };
  const { entry } = await call.unary(KeyValueService.method.get, request);
  return entry && toMetadata(key, entry);
};

/** Gets that are made at the same time travel as one MGet; one that is alone is a Get. */
export function createBatchGet(runner: CallRunner): Get {
  return batching<Entry>(runner, getAlone, false);
}

/** The same for metadata. */
export function createBatchGetMetadata(runner: CallRunner): Get<EntryMetadata> {
  return batching<EntryMetadata>(runner, getMetadataAlone, true);
}

function batching<E extends object>(runner: CallRunner, alone: Get<E>, metadataOnly: boolean): Get<E> {
  const create = (consistency: "eventual" | "strong") => createQueue(runner, alone, { consistency }, metadataOnly);
  const queues = { eventual: create("eventual"), strong: create("strong") };
  return async (call, key, { consistency = "eventual" }) => {
    const found = await queues[consistency](key, call.signal, call.endAt);
    if (found instanceof DynakvError) {
      throw found;
    }
    return found;
  };
}

function createQueue<E>(runner: CallRunner, alone: Get<E>, options: ReadOptions, metadataOnly: boolean) {
  async function readOne(call: Call, key: string): Promise<Found<E>> {
    try {
      return await alone(call, key, options);
    } catch (error) {
      if (error instanceof DynakvError) {
        return error;
      }
      throw error;
    }
  }

  return createReadCoalescer<Found<E>>({
    afterArrivals: runner.afterArrivals,
    atOnce: false,
    limit: () => maxKeys,
    left: (reason) => endedHere(reason, undefined),
    read: (keys, found, { signal, endAt }) =>
      runner.run({ signal, timeoutMs: runner.leftMs(endAt) }, async (call) => {
        const [first] = keys;
        if (keys.length === 1 && first !== undefined) {
          found(first, await readOne(call, first));
          return;
        }
        // The failure may be another key's: read apart, each gets its own error.
        const apart = new Set(keys);
        try {
          const asked = { consistency: toConsistency(options), order: ResultOrder.ARRIVAL, metadataOnly };
          for await (const results of readChunk(runner, call, { from: 0, items: keys }, asked)) {
            for (const result of results) {
              if (result.error?.code !== Code.InvalidArgument) {
                apart.delete(result.key);
                found(result.key, result.error ?? (result.entry as E | undefined));
              }
            }
          }
        } catch (error) {
          if (!(error instanceof DynakvError) || error.retryable || call.signal.aborted) {
            throw error;
          }
        }
        await Promise.all([...apart].map(async (key) => found(key, await readOne(call, key))));
      }),
  });
}
