/** What a caller is told to do for a while. */
export interface Load {
  readonly operation: "get" | "set" | "incr" | "mget";
  /** How many calls are in flight at any time. */
  readonly inFlight: number;
  readonly valueBytes: number;
  /** How many keys an mget asks for. */
  readonly keys?: number;
  /** Whether all calls are about one key. */
  readonly hot?: boolean;
  /** No call begins after this long; the first always does. */
  readonly milliseconds: number;
}

/** What became of it, as the caller saw it. */
export interface LoadResult {
  /** Calls, or for an mget the keys that it answered. */
  readonly operations: number;
  readonly seconds: number;
  /** What the caller's process spent, in microseconds. */
  readonly cpu: number;
  /** Latencies of a call, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Where an engine is, and who may call it. */
export interface EngineAddress {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** How many keys there are of each size: no more are filled in where the engine keeps them. */
export const storedKeys = 10_000;
/** How many counters there are. */
const counters = 1000;
/** The table that all ways use, dynakv's and Celery's by default. */
export const table = "celery";

/** The name says how large the value is, so that an engine that stores nothing can answer. */
export function valueKey(valueBytes: number, n: number): string {
  return `v${valueBytes}:${n % storedKeys}`;
}

/** An mget may ask for more keys than are stored anywhere but in the endpoint that answers at once. */
export function* valueKeys(valueBytes: number, length: number): Generator<string> {
  for (let n = 0; n < length; n++) {
    yield `v${valueBytes}:${n}`;
  }
}

export function counterKey(n: number): string {
  return `counter:${n % counters}`;
}

export const hotValueKey = (valueBytes: number) => `v${valueBytes}:hot`;
export const hotCounterKey = "counter:hot";
