import { createReadCoalescer, type ReadCoalescer } from "../../../../common/batching/read-coalescer.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../../errors/dynakv-error.js";
import { joinInitiators } from "../dynamodb/initiators.js";
import type { ReadOptions, StoredEntry } from "../layout/entry.js";
import type { StoreContext } from "../store-context.js";
import type { Found } from "./batch-answer.js";
import { readEntry } from "./read-entry.js";
import { readMany } from "./read-many.js";

/** The entry at a key, read after it was asked for, together with others; undefined when there is none. */
export type CoalescedRead = (key: string, options: ReadOptions) => Promise<StoredEntry | undefined>;

/** DynamoDB's limit of BatchGetItem. */
const maxKeys = 100;
/** Small items shall not wait for more than about so many bytes of others. */
const targetBytes = 1_000_000;
/** Time that keys are read one by one after a batch was refused, such as by a policy that allows GetItem alone. */
const apartMs = 60_000;

/** Refusals that are those of the request, not of a key in it. */
const denials: ReadonlySet<ErrorReason> = new Set([ErrorReason.BACKEND_DENIED, ErrorReason.TABLE_UNAVAILABLE]);

/**
 * A read that finds no other in flight is sent at once, as a GetItem. Those that come while others are in flight go as one
 * BatchGetItem. Strong reads and eventual ones stay apart.
 */
export function createCoalescedRead(context: StoreContext): CoalescedRead {
  const eventual = createQueue(context, false);
  const strong = createQueue(context, true);
  return async (key, options) => {
    const found = await (options.strong ? strong : eventual)(key, options.signal);
    if (found instanceof DynakvError) {
      throw found;
    }
    return found;
  };
}

function createQueue(context: StoreContext, strong: boolean): ReadCoalescer<Found> {
  let averageBytes = 0;
  let apartUntil = 0;

  async function readOne(key: string, options: ReadOptions): Promise<Found> {
    try {
      return await readEntry(context, key, options);
    } catch (error) {
      if (error instanceof DynakvError) {
        return error;
      }
      throw error;
    }
  }

  return createReadCoalescer<Found>({
    afterArrivals: setImmediate,
    atOnce: true,
    left: abortError,
    limit() {
      const bytesLimit = Math.floor(targetBytes / Math.max(1, averageBytes));
      return performance.now() < apartUntil ? 1 : Math.max(1, Math.min(maxKeys, bytesLimit));
    },
    async read(keys, answer, { signal, readers }) {
      joinInitiators(readers, signal);
      context.counts?.gets(readers.length);
      const options: ReadOptions = { strong, signal };
      const found = (key: string, result: Found) => {
        averageBytes = averageBytes * 0.9 + sizeOf(result) * 0.1;
        answer(key, result);
      };
      const [first] = keys;
      if (keys.length === 1 && first !== undefined) {
        found(first, await readOne(first, options));
        return;
      }
      const unread = new Set(keys);
      const apart: string[] = [];
      const together = { keys, ordered: false, check: () => undefined, isImpatient: true };
      for await (const results of untilFull(readMany(context, together, options))) {
        for (let nth = 0; nth < results.length; nth++) {
          const key = results.key(nth);
          const result = results.found(nth);
          if (result instanceof DynakvError && denials.has(result.reason)) {
            apart.push(key);
          } else {
            found(key, result);
          }
          unread.delete(key);
        }
      }
      if (apart.length > 0) {
        apartUntil = performance.now() + apartMs;
      }
      // Without room for all, each small one may still fit alone.
      await Promise.all([...apart, ...unread].map(async (key) => found(key, await readOne(key, options))));
    },
  });
}

/** Ends early, without an error, when there is no room for more. */
async function* untilFull<T>(groups: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* groups;
  } catch (error) {
    if (!(error instanceof DynakvError) || error.reason !== ErrorReason.OVERLOADED) {
      throw error;
    }
  }
}

function sizeOf(found: Found): number {
  return found !== undefined && "data" in found && found.data.kind === "value" ? found.data.value.length : 0;
}
