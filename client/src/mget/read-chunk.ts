import { Code, ConnectError } from "@connectrpc/connect";
import type { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import { KeyValueService, ResultOrder } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, CallRunner } from "../call.js";
import type { Chunk } from "../cut-items.js";
import type { Entry } from "../entry.js";
import { type DynakvError, fromResult } from "../errors.js";
import { mgetMetadataReader, mgetReader } from "../results/result-reader.js";
import { pauseAfter } from "../retries.js";
import { sleep } from "../sleep.js";
import { lazyResult, MGetResult } from "./result.js";

export interface ChunkOptions {
  readonly consistency: Consistency;
  readonly order: ResultOrder;
  readonly metadataOnly: boolean;
}

/**
 * Answers each position of a chunk once. What a stream leaves unanswered when it breaks, and keys of which the server says
 * that they may be asked for again, are asked for anew.
 */
export async function* readChunk(
  { pauses }: Pick<CallRunner, "pauses">,
  call: Call,
  { from, items: keys }: Chunk<string>,
  options: ChunkOptions,
): AsyncGenerator<MGetResult[]> {
  const reader = options.metadataOnly ? mgetMetadataReader : mgetReader;
  const isOrdered = options.order === ResultOrder.REQUEST;
  /** The places in the chunk of what is not answered yet. */
  let left = keys.map((_, place) => place);
  let attempt = 0;
  while (left.length > 0) {
    attempt++;
    const asked = left;
    const answered = new Uint8Array(asked.length);
    const again = new Map<number, DynakvError>();
    let failure: DynakvError | undefined;
    let pause: number | undefined;
    try {
      const askedKeys = asked.length === keys.length ? keys : asked.map((place) => keys[place] as string);
      const stream = call.results(KeyValueService.method.mGet, { keys: [...askedKeys], ...options }, reader);
      for await (const { results } of stream) {
        const batch: MGetResult[] = [];
        for (let nth = 0; nth < results.length; nth++) {
          const index = results.index(nth);
          const place = asked[index];
          if (place === undefined || answered[index] !== 0) {
            const problem = `the server sent an invalid or duplicate position ${index} of ${asked.length}`;
            throw new ConnectError(problem, Code.Internal);
          }
          const kind = results.kind(nth);
          const error = kind === "error" ? fromResult(results.error(nth)) : undefined;
          if (error?.retryable === true && pauses(attempt, error) !== undefined) {
            again.set(index, error);
            failure ??= error;
          } else if (!(isOrdered && again.size > 0)) {
            answered[index] = 1;
            const key = keys[place] as string;
            batch.push(
              kind === "entry"
                ? lazyResult(from + place, key, results, nth)
                : new MGetResult<Entry>(from + place, key, undefined, error),
            );
          }
        }
        if (batch.length > 0) {
          attempt = again.size > 0 ? attempt : 1;
          yield batch;
        }
        if (isOrdered && again.size > 0) {
          // Later positions would be out of order.
          break;
        }
      }
    } catch (cause) {
      pause = pauseAfter(cause, { call, method: KeyValueService.method.mGet, attempt, pauses });
    }
    left = asked.filter((_, index) => answered[index] === 0);
    if (left.length > 0) {
      pause ??= failure && pauses(attempt, failure);
      if (pause === undefined) {
        const problem = `the server left ${left.length} of ${asked.length} keys unanswered`;
        const cause = new ConnectError(problem, Code.Internal);
        pause = pauseAfter(cause, { call, method: KeyValueService.method.mGet, attempt, pauses });
      }
      await sleep(pause, call.signal);
    }
  }
}
