/** One way to a key-value store: what a caller's program is written against. */
export interface Way {
  get(key: string): Promise<unknown>;
  set(key: string, value: Uint8Array): Promise<unknown>;
  /** Adds one, and returns the counter. */
  incr(key: string): Promise<bigint>;
  /** Reads keys, lets go of each value once it has it, and says how many held one. */
  mget(keys: Iterable<string>): Promise<number>;
}

/** A way, as the bench names it. */
export type Column = "dynakv" | "sdk" | "sdk-tuned" | "sdk-16" | "celery";

export const columnTitles: Record<Column, string> = {
  dynakv: "dynakv",
  sdk: "SDK",
  "sdk-tuned": "SDK, tuned",
  "sdk-16": "SDK, tuned, 16 batches",
  celery: "Celery's way",
};
