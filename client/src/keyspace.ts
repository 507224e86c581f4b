import { Code } from "@connectrpc/connect";
import { text } from "./arguments/checks.js";
import type { ReadOptions } from "./call-options.js";
import { type Codec, SchemaError } from "./codecs.js";
import type { Change, CompoundCalls } from "./compound-calls.js";
import { type Decoder, metadataDecoder } from "./decoder.js";
import type { Entry, EntryMetadata, ValueEntry } from "./entry.js";
import { DynakvError, type WriteOutcome } from "./errors.js";
import type { ManyWriteCalls } from "./many-writes/calls.js";
import type { WriteResults } from "./many-writes/many-writes.js";
import type { CounterSetEntry, DeleteKey, MDeleteOptions, MSetOptions, SetEntry } from "./many-writes/options.js";
import type { Deleted } from "./many-writes/result.js";
import type { MGetOptions, MGetResults } from "./mget/mget.js";
import type {
  DeleteOptions,
  Incremented,
  IncrOptions,
  Operations,
  RateLimited,
  RateLimitOptions,
  SetOptions,
  SwapOptions,
  Swapped,
  TakeOptions,
  Touched,
  TouchOptions,
  Written,
} from "./operations.js";
import type { DeletePrefixOptions, PrefixDeleted } from "./scan/delete-prefix.js";
import type { ScanOptions, ScanResults } from "./scan/scan.js";
import type { Updated, UpdateOptions } from "./update.js";
import type { Expiry } from "./write-options.js";

/** The calls under one prefix that are the same for values and for counters; callers leave the prefix out. */
interface Prefixed {
  readonly prefix: string;
  /** Metadata of the entry at a key, of either kind. */
  getMetadata(key: string, options?: ReadOptions): Promise<EntryMetadata | undefined>;
  has(key: string, options?: ReadOptions): Promise<boolean>;
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
  touchDetailed(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<Touched | undefined>;
  mgetMetadata(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<EntryMetadata>;
  /** Removes all keys under the prefix, or those that begin with one more. The server reads the whole table for it. */
  deletePrefix(prefix: string, options?: DeletePrefixOptions): Promise<PrefixDeleted>;
  /** All keys under the prefix, without what they hold. The server reads the whole table for it. */
  scanKeys(options?: ScanOptions): ScanResults<EntryMetadata>;
}

/** Values of one type, under keys with one prefix, which callers leave out. */
export interface Keyspace<Read, Write = Read> extends Prefixed {
  /** The entry at a key; undefined when there is none. A counter there is `WRONG_KIND`, what the codec refuses `UNDECODABLE`. */
  get(key: string, options?: ReadOptions): Promise<ValueEntry<Read> | undefined>;
  /** Writes a value whole. What the codec throws of a value that does not fit comes out as it is, and nothing is written. */
  set(key: string, value: Write, options?: SetOptions): Promise<Written>;
  /** As set, and returns what the key held before. Where that cannot be decoded, the outcome of the error is `APPLIED`. */
  swap(key: string, value: Write, options?: SwapOptions): Promise<Swapped<ValueEntry<Read>>>;
  /**
   * Reads a value, changes it, and writes it if nobody has changed it in between; else reads anew, up to `maxTries` times. Undefined when
   * `change` returns undefined, which leaves the key as it is. `change` may be called several times.
   */
  update(key: string, change: Change<Read, Write>, options?: UpdateOptions): Promise<Updated<Write> | undefined>;
  /** Removes what a key holds, and returns it. Where that cannot be decoded it is removed all the same: the outcome is `APPLIED`. */
  take(key: string, options?: TakeOptions): Promise<ValueEntry<Read> | undefined>;
  /** The entry at a key, after its expiry was changed in the same request. */
  getAndTouch(
    key: string,
    expiry: Exclude<Expiry, "keep">,
    options?: TouchOptions,
  ): Promise<ValueEntry<Read> | undefined>;
  /** As get, for any number of keys. */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<ValueEntry<Read>>;
  /** As set, for any number of entries. What the codec throws of a value that does not fit ends the mset there. */
  mset(
    entries: Iterable<SetEntry<Write>> | AsyncIterable<SetEntry<Write>>,
    options?: MSetOptions,
  ): WriteResults<Swapped<ValueEntry<Read>>>;
  /** As delete, for any number of keys. */
  mdelete(
    keys: Iterable<DeleteKey> | AsyncIterable<DeleteKey>,
    options?: MDeleteOptions,
  ): WriteResults<Deleted<ValueEntry<Read>>>;
  /** All keys under the prefix. The server reads the whole table for it. */
  scan(options?: ScanOptions): ScanResults<ValueEntry<Read>>;
}

export interface KeyspaceCalls extends Operations, ManyWriteCalls, CompoundCalls {
  mget<E>(
    decoder: Decoder<E>,
    keys: Iterable<string> | AsyncIterable<string>,
    options: MGetOptions | undefined,
  ): MGetResults<E>;
  scan<E>(decoder: Decoder<E>, options: ScanOptions | undefined): ScanResults<E>;
}

function createPrefixed(calls: KeyspaceCalls, prefix: string): Prefixed {
  return {
    prefix,
    getMetadata: async (key, options) => {
      const found = await calls.getMetadata(prefix + text("key", key), options);
      return found && { ...found, key };
    },
    has: async (key, options) => calls.has(prefix + text("key", key), options),
    delete: async (key, options) => calls.delete(prefix + text("key", key), options),
    touch: async (key, expiry, options) => calls.touch(prefix + text("key", key), expiry, options),
    touchDetailed: async (key, expiry, options) => calls.touchDetailed(prefix + text("key", key), expiry, options),
    deletePrefix: async (more, options) => calls.deletePrefix(prefix + text("prefix", more), options),
    mgetMetadata: (keys, options) => calls.mget(metadataDecoder(prefix), keys, options),
    scanKeys: (options) => calls.scan(metadataDecoder(prefix), options),
  };
}

export function createKeyspace<Read, Write>(
  calls: KeyspaceCalls,
  prefix: string,
  codec: Codec<Read, Write>,
): Keyspace<Read, Write> {
  async function decode(entry: Entry, outcome?: WriteOutcome): Promise<ValueEntry<Read>> {
    const key = entry.key.slice(prefix.length);
    if (entry.kind === "counter") {
      throw wrongKind("the key holds a counter, not a value", entry, outcome);
    }
    let value: Read;
    try {
      value = await codec.decode(entry.value);
    } catch (cause) {
      throw new DynakvError("the codec cannot decode the value", {
        reason: "UNDECODABLE",
        code: Code.DataLoss,
        outcome,
        issues: cause instanceof SchemaError ? cause.issues : undefined,
        currentEtag: outcome === undefined ? entry.etag : undefined,
        cause,
      });
    }
    return { ...entry, key, value };
  }
  const decoder = { prefix, decode: (entry: Entry) => decode(entry) };
  const updating = {
    decode: async (_: Uint8Array, entry: Entry) => (await decode(entry, "NOT_APPLIED")).value,
    encode: (value: Write) => codec.encode(value),
  };
  const writeCodec = {
    prefix,
    encode: (value: unknown) => codec.encode(value as Write),
    decode: (entry: Entry) => decode(entry, "APPLIED"),
  };

  return {
    ...createPrefixed(calls, prefix),
    async get(key, options) {
      const entry = await calls.get(prefix + text("key", key), options);
      return entry && decode(entry);
    },
    async set(key, value, options) {
      const whole = prefix + text("key", key);
      return calls.set(whole, await codec.encode(value), options);
    },
    async swap(key, value, options) {
      const whole = prefix + text("key", key);
      const { previous, ...written } = await calls.swap(whole, await codec.encode(value), options);
      return { ...written, previous: previous && (await decode(previous, "APPLIED")) };
    },
    update: async (key, change, options) => calls.update(updating, prefix + text("key", key), change, options),
    async take(key, options) {
      const entry = await calls.take(prefix + text("key", key), options);
      return entry && decode(entry, "APPLIED");
    },
    async getAndTouch(key, expiry, options) {
      const entry = await calls.getAndTouch(prefix + text("key", key), expiry, options);
      return entry && decode(entry, "APPLIED");
    },
    mget: (keys, options) => calls.mget(decoder, keys, options),
    mset: (entries, options) => calls.mset(writeCodec, entries, options),
    mdelete: (keys, options) => calls.mdelete(writeCodec, keys, options),
    scan: (options) => calls.scan(decoder, options),
  };
}

/** Counters, under keys with one prefix, which callers leave out. */
export interface Counters extends Prefixed {
  /** Adds to a counter, which is created if need be, and returns it. */
  incr(key: string, options?: IncrOptions): Promise<bigint>;
  /** As incr, and returns all that the server says. */
  incrDetailed(key: string, options?: IncrOptions): Promise<Incremented>;
  /** Counts a call against a limit in a window of fixed length, as the client's `rateLimit` does. */
  rateLimit(key: string, options: RateLimitOptions): Promise<RateLimited>;
  /** Stores a counter, in place of whatever the key holds. */
  set(key: string, counter: bigint, options?: SetOptions): Promise<Written>;
  /** The counter at a key; undefined when there is none. A value there is `WRONG_KIND`. */
  get(key: string, options?: ReadOptions): Promise<bigint | undefined>;
  /** Removes a counter, and returns it. A value there is removed all the same: `WRONG_KIND`, with the outcome `APPLIED`. */
  take(key: string, options?: TakeOptions): Promise<bigint | undefined>;
  /** As get, for any number of keys. */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<bigint>;
  /** As set, for any number of counters. */
  mset(
    entries: Iterable<CounterSetEntry> | AsyncIterable<CounterSetEntry>,
    options?: MSetOptions,
  ): WriteResults<Swapped<bigint>>;
  /** As delete, for any number of keys. */
  mdelete(
    keys: Iterable<DeleteKey> | AsyncIterable<DeleteKey>,
    options?: MDeleteOptions,
  ): WriteResults<Deleted<bigint>>;
  /** All keys under the prefix. The server reads the whole table for it. */
  scan(options?: ScanOptions): ScanResults<bigint>;
}

export function createCounters(calls: KeyspaceCalls, prefix: string): Counters {
  const counterOf = (entry: Entry, outcome?: WriteOutcome): bigint => {
    if (entry.kind === "value") {
      throw wrongKind("the key holds a value, not a counter", entry, outcome);
    }
    return entry.counter;
  };
  const decoder = { prefix, decode: async (entry: Entry) => counterOf(entry) };
  const writeCodec = { prefix, decode: async (entry: Entry) => counterOf(entry, "APPLIED") };
  return {
    ...createPrefixed(calls, prefix),
    incr: async (key, options) => calls.incr(prefix + text("key", key), options),
    incrDetailed: async (key, options) => calls.incrDetailed(prefix + text("key", key), options),
    rateLimit: async (key, options) => calls.rateLimit(prefix + text("key", key), options),
    set: async (key, counter, options) => calls.setCounter(prefix + text("key", key), counter, options),
    async get(key, options) {
      const entry = await calls.get(prefix + text("key", key), options);
      return entry && counterOf(entry);
    },
    async take(key, options) {
      const entry = await calls.take(prefix + text("key", key), options);
      return entry && counterOf(entry, "APPLIED");
    },
    mget: (keys, options) => calls.mget(decoder, keys, options),
    mset: (entries, options) => calls.mset(writeCodec, entries, options),
    mdelete: (keys, options) => calls.mdelete(writeCodec, keys, options),
    scan: (options) => calls.scan(decoder, options),
  };
}

/** An entry that was removed or replaced has no current etag. */
function wrongKind(message: string, { etag }: Entry, outcome: WriteOutcome | undefined): DynakvError {
  return new DynakvError(message, {
    reason: "WRONG_KIND",
    code: Code.FailedPrecondition,
    outcome,
    currentEtag: outcome === undefined ? etag : undefined,
  });
}
