import { Code, ConnectError } from "@connectrpc/connect";
import { ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { CallRunner } from "../call.js";
import type { ReadOptions } from "../call-options.js";
import { cancellableIterator } from "../cancellable-iterator.js";
import { type Decoder, decodeEntry } from "../decoder.js";
import type { Entry } from "../entry.js";
import { DynakvError } from "../errors.js";
import { createLanes } from "../lanes.js";
import { unlessEnded } from "../unless-ended.js";
import { toConsistency } from "../write-options.js";
import { cutKeys } from "./key-chunks.js";
import { readChunk } from "./read-chunk.js";
import { type MGetProgress, MGetResult } from "./result.js";

/** Options of mget. */
export interface MGetOptions extends ReadOptions {
  /**
   * `request` brings the results in the order of the keys. The default is `arrival`, as they come, which keeps every stream
   * busy.
   */
  readonly order?: "arrival" | "request" | undefined;
  /** Number of streams that are read at a time, 1 to 100. The default is 4, beyond which a server of two cores gained nothing. */
  readonly streams?: number | undefined;
}

/** The results of an mget, which starts when they are first asked for, and can be read once. */
export interface MGetResults<E = Entry> extends AsyncIterable<MGetResult<E>> {
  /** Progress of the reader: results handed out count as answered. */
  readonly progress: MGetProgress;
  /**
   * Reads all results into a map, in which a key that holds nothing is not. Rejects with the error of the first key that
   * could not be read. For sets of keys that fit into memory with their values.
   */
  toMap(): Promise<Map<string, E>>;
  /**
   * The same results in arrays of up to some hundreds, as they come: for who handles many at a time. Leaving the loop cancels the
   * mget, as leaving that over single results does.
   */
  batches(): AsyncIterable<readonly MGetResult<E>[]>;
}

/** Reads any number of keys, over several streams, in memory that does not grow with their number. */
export function mget<E>(
  runner: CallRunner,
  decoder: Decoder<E>,
  keys: Iterable<string> | AsyncIterable<string>,
  options: MGetOptions,
): MGetResults<E> {
  const { order = "arrival", streams = 4 } = options;
  const progress = { asked: 0, answered: 0, found: 0, missing: 0, failed: 0 };
  let isRead = false;

  /** Of a decoder that changes nothing, the results are those that are read. */
  const isPlain = decoder.decode === undefined && decoder.prefix === "";

  async function toResult(result: MGetResult): Promise<MGetResult<E>> {
    const { index, error } = result;
    const key = result.key.slice(decoder.prefix.length);
    if (error !== undefined || result.entry === undefined) {
      return new MGetResult<E>(index, key, undefined, error);
    }
    const changed = await decodeEntry(decoder, result.entry);
    return changed instanceof DynakvError
      ? new MGetResult<E>(index, key, undefined, changed)
      : new MGetResult(index, key, changed);
  }

  /** Starts reading batches. */
  function begin() {
    if (isRead) {
      throw new TypeError("mget results can be iterated once; call mget again");
    }
    isRead = true;
    // No deadline unless one is asked for: a million keys may rightly take minutes.
    const call = runner.begin(options, 0);
    const chunks = cutKeys(keys, decoder.prefix, call.signal);
    const isOrdered = order === "request";
    const asked = {
      consistency: toConsistency(options),
      order: isOrdered ? ResultOrder.REQUEST : ResultOrder.ARRIVAL,
      metadataOnly: decoder.metadataOnly === true,
    };
    const openNext = async () => {
      const { done, value: chunk } = await unlessEnded(call.signal, () => chunks.next());
      if (done === true) {
        return undefined;
      }
      progress.asked += chunk.items.length;
      return readChunk(runner, call, chunk, asked);
    };
    const lanes = createLanes(openNext, streams, isOrdered);
    let isOver = false;

    function finish(reason?: unknown): void {
      isOver = true;
      call.end(reason);
      // Not awaited: a source of keys that hangs would keep who has left.
      chunks.return(undefined).catch(() => {});
    }

    return {
      /** The next batch; undefined when there is none. Whatever `use` throws ends the mget. */
      async next<T>(use: (batch: readonly MGetResult[]) => T | Promise<T>): Promise<T | undefined> {
        if (isOver) {
          return undefined;
        }
        try {
          const batch = await lanes.next();
          if (batch === undefined) {
            finish();
            return undefined;
          }
          return await use(batch);
        } catch (error) {
          // The streams have no reader any more.
          finish(new ConnectError("the mget has failed", Code.Canceled));
          throw error;
        }
      },
      fail(error: unknown): never {
        finish(new ConnectError("the mget has failed", Code.Canceled));
        throw error;
      },
      leave() {
        if (!isOver) {
          finish(new ConnectError("the reader has left", Code.Canceled));
        }
      },
      isOver: () => isOver,
    };
  }

  function iterate(): AsyncIterator<MGetResult<E>> {
    const reading = begin();
    let batch: readonly MGetResult[] = [];
    let place = 0;

    function handOut(result: MGetResult<E>): IteratorResult<MGetResult<E>> {
      count(result);
      return { done: false, value: result };
    }

    async function advance(): Promise<IteratorResult<MGetResult<E>>> {
      while (!reading.isOver()) {
        const read = batch[place++];
        if (read !== undefined) {
          try {
            return handOut(isPlain ? (read as MGetResult<E>) : await toResult(read));
          } catch (error) {
            reading.fail(error);
          }
        }
        batch = (await reading.next((next) => next)) ?? [];
        place = 0;
      }
      return { done: true, value: undefined };
    }

    // Fast path: a result that is there and needs no codec costs one promise.
    function takeNow(): IteratorResult<MGetResult<E>> | undefined {
      const read = isPlain && !reading.isOver() ? batch[place] : undefined;
      if (read === undefined) {
        return undefined;
      }
      place++;
      return handOut(read as MGetResult<E>);
    }

    return cancellableIterator(advance, reading.leave, takeNow);
  }

  function iterateBatches(): AsyncIterator<readonly MGetResult<E>[]> {
    const reading = begin();
    const change = (read: readonly MGetResult[]) =>
      isPlain ? (read as readonly unknown[] as readonly MGetResult<E>[]) : Promise.all(read.map(toResult));
    const advance = async (): Promise<IteratorResult<readonly MGetResult<E>[]>> => {
      const batch = await reading.next<readonly MGetResult<E>[]>(change);
      if (batch === undefined) {
        return { done: true, value: undefined };
      }
      batch.forEach(count);
      return { done: false, value: batch };
    };
    return cancellableIterator(advance, reading.leave);
  }

  function count(result: MGetResult<E>): void {
    progress.answered++;
    progress[result.error !== undefined ? "failed" : MGetResult.isFound(result) ? "found" : "missing"]++;
  }

  return {
    progress,
    [Symbol.asyncIterator]: iterate,
    batches: () => ({ [Symbol.asyncIterator]: iterateBatches }),
    async toMap() {
      const entries = new Map<string, E>();
      for await (const { key, entry } of this) {
        if (entry !== undefined) {
          entries.set(key, entry);
        }
      }
      return entries;
    },
  };
}
