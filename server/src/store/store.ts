import { createCombinedIncrement } from "./counters/combined-increments.js";
import type { IncrInput } from "./counters/increment-counter.js";
import type { IncrResult } from "./counters/recall.js";
import type { CallOptions, ReadOptions, StoredEntry } from "./layout/entry.js";
import { createCoalescedRead } from "./reads/coalesced-reads.js";
import { type ReadManyInput, readMany } from "./reads/read-many.js";
import type { ResultGroup } from "./reads/result-group.js";
import { type ScanInput, type ScanPage, scanTable } from "./reads/scan-table.js";
import type { StoreContext } from "./store-context.js";
import { type DeleteInput, type DeleteResult, deleteEntry } from "./writes/delete-entry.js";
import { type DeleteOnceInput, deleteOnce } from "./writes/delete-once.js";
import { type SetInput, type SetResult, setEntry } from "./writes/set-entry.js";
import { type TouchInput, type TouchResult, touchEntry } from "./writes/touch-entry.js";
import { type WriteManyInput, type WriteResult, writeMany } from "./writes/write-many.js";

/** Entries in a DynamoDB table. Every failure is a DynakvError; that of a write says what the write has done. */
export interface Store {
  /** Carries out any number of writes: see {@link writeMany}. */
  writeMany<T>(input: WriteManyInput<T>, options: CallOptions): AsyncIterable<WriteResult<T>[]>;
  get(key: string, options: ReadOptions): Promise<StoredEntry | undefined>;
  set(input: SetInput, options: CallOptions): Promise<SetResult>;
  readMany(input: ReadManyInput, options: ReadOptions): AsyncIterable<ResultGroup>;
  scan(input: ScanInput, options: ReadOptions): AsyncIterable<ScanPage>;
  delete(input: DeleteInput, options: CallOptions): Promise<DeleteResult>;
  /** A Delete that can be repeated: see {@link deleteOnce}. */
  deleteOnce(input: DeleteOnceInput, options: CallOptions): Promise<DeleteResult>;
  incr(input: IncrInput, options: CallOptions): Promise<IncrResult>;
  /** Undefined when the key holds no entry. */
  touch(input: TouchInput, options: CallOptions): Promise<TouchResult | undefined>;
}

export function createStore(context: StoreContext): Store {
  const read = createCoalescedRead(context);
  const increment = createCombinedIncrement(context);
  return {
    get: read,
    writeMany: (input, options) => writeMany(context, input, options),
    set: (input, options) => setEntry(context, input, options),
    readMany: (input, options) => readMany(context, input, options),
    scan: (input, options) => scanTable(context, input, options),
    delete: (input, options) => deleteEntry(context, input, options),
    deleteOnce: (input, options) => deleteOnce(context, input, options),
    incr: increment,
    touch: (input, options) => touchEntry(context, input, read, options),
  };
}
