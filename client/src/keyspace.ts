import { Code } from "@connectrpc/connect";
import { text } from "./arguments/checks.js";
import type { ReadOptions } from "./call-options.js";
import { type Codec, SchemaError } from "./codecs.js";
import type { Decoder } from "./decoder.js";
import type { Entry, ValueEntry } from "./entry.js";
import { DynakvError } from "./errors.js";
import type { MGetOptions, MGetResults } from "./mget/mget.js";
import type { DeleteOptions, IncrOptions, Operations, SetOptions, TouchOptions, Written } from "./operations.js";
import type { ScanOptions, ScanResults } from "./scan/scan.js";
import type { Expiry } from "./write-options.js";

/** Values of one type, under keys with one prefix, which callers leave out. */
export interface Keyspace<Read, Write = Read> {
  readonly prefix: string;
  /** The entry at a key; undefined when there is none. A counter there is `WRONG_KIND`, what the codec refuses `UNDECODABLE`. */
  get(key: string, options?: ReadOptions): Promise<ValueEntry<Read> | undefined>;
  /** Writes a value whole. What the codec throws of a value that does not fit comes out as it is, and nothing is written. */
  set(key: string, value: Write, options?: SetOptions): Promise<Written>;
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
  /** As get, for any number of keys. */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<ValueEntry<Read>>;
  /** All keys under the prefix. The server reads the whole table for it. */
  scan(options?: ScanOptions): ScanResults<ValueEntry<Read>>;
}

export interface KeyspaceCalls extends Operations {
  mget<E>(
    decoder: Decoder<E>,
    keys: Iterable<string> | AsyncIterable<string>,
    options: MGetOptions | undefined,
  ): MGetResults<E>;
  scan<E>(decoder: Decoder<E>, options: ScanOptions | undefined): ScanResults<E>;
}

export function createKeyspace<Read, Write>(
  calls: KeyspaceCalls,
  prefix: string,
  codec: Codec<Read, Write>,
): Keyspace<Read, Write> {
  async function decode(entry: Entry): Promise<ValueEntry<Read>> {
    const key = entry.key.slice(prefix.length);
    if (entry.kind === "counter") {
      throw new DynakvError("the key holds a counter, not a value", {
        reason: "WRONG_KIND",
        code: Code.FailedPrecondition,
        currentEtag: entry.etag,
      });
    }
    let value: Read;
    try {
      value = await codec.decode(entry.value);
    } catch (cause) {
      throw new DynakvError("the codec cannot decode the value", {
        reason: "UNDECODABLE",
        code: Code.DataLoss,
        issues: cause instanceof SchemaError ? cause.issues : undefined,
        currentEtag: entry.etag,
        cause,
      });
    }
    return { ...entry, key, value };
  }

  return {
    prefix,
    async get(key, options) {
      const entry = await calls.get(prefix + text("key", key), options);
      return entry && decode(entry);
    },
    async set(key, value, options) {
      const whole = prefix + text("key", key);
      return calls.set(whole, await codec.encode(value), options);
    },
    delete: async (key, options) => calls.delete(prefix + text("key", key), options),
    touch: async (key, expiry, options) => calls.touch(prefix + text("key", key), expiry, options),
    mget: (keys, options) => calls.mget({ prefix, decode: decode }, keys, options),
    scan: (options) => calls.scan({ prefix, decode: decode }, options),
  };
}

/** Counters, under keys with one prefix, which callers leave out. */
export interface Counters {
  readonly prefix: string;
  /** Adds to a counter, which is created if need be, and returns it. */
  incr(key: string, options?: IncrOptions): Promise<bigint>;
  /** The counter at a key; undefined when there is none. A value there is `WRONG_KIND`. */
  get(key: string, options?: ReadOptions): Promise<bigint | undefined>;
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
  /** As get, for any number of keys. */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults<bigint>;
  /** All keys under the prefix. The server reads the whole table for it. */
  scan(options?: ScanOptions): ScanResults<bigint>;
}

export function createCounters(calls: KeyspaceCalls, prefix: string): Counters {
  const counterOf = async (entry: Entry): Promise<bigint> => {
    if (entry.kind === "value") {
      throw new DynakvError("the key holds a value, not a counter", {
        reason: "WRONG_KIND",
        code: Code.FailedPrecondition,
        currentEtag: entry.etag,
      });
    }
    return entry.counter;
  };
  return {
    prefix,
    incr: async (key, options) => calls.incr(prefix + text("key", key), options),
    async get(key, options) {
      const entry = await calls.get(prefix + text("key", key), options);
      return entry && counterOf(entry);
    },
    delete: async (key, options) => calls.delete(prefix + text("key", key), options),
    touch: async (key, expiry, options) => calls.touch(prefix + text("key", key), expiry, options),
    mget: (keys, options) => calls.mget({ prefix, decode: counterOf }, keys, options),
    scan: (options) => calls.scan({ prefix, decode: counterOf }, options),
  };
}
