import type { Consistency } from "../../../gen/dynakv/v1/entry_pb.js";
import {
  KeyValueService,
  type MGetResult as ResultMessage,
  ResultOrder,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call, Caller } from "../call.js";
import { toEntry } from "../entry.js";
import { type DynakvError, fromResult } from "../errors.js";
import { pauseAfter } from "../retries.js";
import { sleep } from "../sleep.js";
import type { KeyChunk } from "./key-chunks.js";
import { MGetResult } from "./result.js";

export interface ChunkOptions {
  readonly consistency: Consistency;
  readonly order: ResultOrder;
}

/**
 * Answers each position of a chunk once. What a stream leaves unanswered when it breaks, and keys of which the server says
 * that they may be asked for again, are asked for anew.
 */
export async function* readChunk(
  { pauses }: Pick<Caller, "pauses">,
  call: Call,
  { from, keys }: KeyChunk,
  options: ChunkOptions,
): AsyncGenerator<MGetResult[]> {
  const isOrdered = options.order === ResultOrder.REQUEST;
  let left = keys.map((key, n) => ({ key, index: from + n }));
  let attempt = 0;
  while (left.length > 0) {
    attempt++;
    const asked = left;
    const answered = new Uint8Array(asked.length);
    const again = new Map<number, DynakvError>();
    let failure: DynakvError | undefined;
    let pause: number | undefined;
    try {
      const stream = call.stream(KeyValueService.method.mGet, { keys: asked.map(({ key }) => key), ...options });
      for await (const { results } of stream) {
        const batch: MGetResult[] = [];
        for (const result of results) {
          const place = asked[result.index];
          if (place === undefined || answered[result.index] !== 0) {
            throw new TypeError(`the server has answered position ${result.index} of ${asked.length}, or twice`);
          }
          const error = result.result.case === "error" ? fromResult(result.result.value) : undefined;
          if (error?.retryable === true && pauses(attempt, error) !== undefined) {
            again.set(result.index, error);
            failure ??= error;
          } else if (!(isOrdered && again.size > 0)) {
            answered[result.index] = 1;
            batch.push(toResult(result, place, error));
          }
        }
        if (batch.length > 0) {
          attempt = again.size > 0 ? attempt : 1;
          yield batch;
        }
        if (isOrdered && again.size > 0) {
          // What follows would be answered before its turn.
          break;
        }
      }
    } catch (cause) {
      pause = pauseAfter(cause, { call, method: KeyValueService.method.mGet, attempt, pauses });
    }
    left = asked.filter((_, n) => answered[n] === 0);
    if (left.length > 0) {
      pause ??= failure && pauses(attempt, failure);
      if (pause === undefined) {
        throw new TypeError(`the server has left ${left.length} of ${asked.length} keys unanswered`);
      }
      await sleep(pause, call.signal);
    }
  }
}

function toResult({ result }: ResultMessage, { index, key }: { index: number; key: string }, error?: DynakvError) {
  return new MGetResult(index, key, result.case === "entry" ? toEntry(key, result.value) : undefined, error);
}
