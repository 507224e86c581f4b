import { Code } from "@connectrpc/connect";
import { createReadCoalescer } from "../../../common/batching/read-coalescer.js";
import { KeyValueService, ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import type { ReadOptions } from "../call-options.js";
import { type Entry, toEntry } from "../entry.js";
import { DynakvError, endedHere } from "../errors.js";
import { readChunk } from "../mget/read-chunk.js";
import { toConsistency } from "../write-options.js";

export type Get = (call: Call, key: string, options: ReadOptions) => Promise<Entry | undefined>;

/** The result for one key. */
type Found = Entry | DynakvError | undefined;

/** Well below what a server takes in one message, also with the longest keys, and more than one turn brings. */
const maxKeys = 1000;

/** One Get. */
export const getAlone: Get = async (call, key, options) => {
  const { entry } = await call.unary(KeyValueService.method.get, { key, consistency: toConsistency(options) });
  return entry && toEntry(key, entry);
};

/** Gets that are made at the same time travel as one MGet; one that is alone is a Get. */
export function createBatchGet(runner: CallRunner): Get {
  const queues = { eventual: createQueue(runner, "eventual"), strong: createQueue(runner, "strong") };
  return async (call, key, { consistency = "eventual" }) => {
    const found = await queues[consistency](key, call.signal, call.endAt);
    if (found instanceof DynakvError) {
      throw found;
    }
    return found;
  };
}

function createQueue(runner: CallRunner, consistency: "eventual" | "strong") {
  const options: ReadOptions = { consistency };

  async function readOne(call: Call, key: string): Promise<Found> {
    try {
      return await getAlone(call, key, options);
    } catch (error) {
      if (error instanceof DynakvError) {
        return error;
      }
      throw error;
    }
  }

  return createReadCoalescer<Found>({
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
          const asked = { consistency: toConsistency(options), order: ResultOrder.ARRIVAL };
          for await (const results of readChunk(runner, call, { from: 0, keys }, asked)) {
            for (const result of results) {
              if (result.error?.code !== Code.InvalidArgument) {
                apart.delete(result.key);
                found(result.key, result.error ?? result.entry);
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
