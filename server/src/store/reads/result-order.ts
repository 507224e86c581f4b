import type { Found } from "./read-batch.js";

/** The answer for one position. */
export interface ReadResult {
  readonly index: number;
  readonly key: string;
  readonly found: Found;
}

/** Results that wait until every earlier position is answered. */
export interface ResultOrder {
  add(result: ReadResult): void;
  /** Hands out what is next in order. */
  take(): Generator<ReadResult>;
  /** How many bytes wait. */
  readonly bytes: number;
}

/** What a result takes beside its value, roughly. It bounds how many small ones wait. */
const resultBytes = 500;

export function createResultOrder(): ResultOrder {
  const waiting = new Map<number, ReadResult>();
  let next = 0;
  let bytes = 0;
  return {
    add(result) {
      waiting.set(result.index, result);
      bytes += sizeOf(result);
    },
    *take() {
      for (let result = waiting.get(next); result !== undefined; result = waiting.get(next)) {
        waiting.delete(next++);
        bytes -= sizeOf(result);
        yield result;
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

function sizeOf({ found }: ReadResult): number {
  const data = found !== undefined && "data" in found ? found.data : undefined;
  return resultBytes + (data?.kind === "value" ? data.value.length : 0);
}
