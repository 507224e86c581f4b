import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient as createServiceClient, type Transport } from "@connectrpc/connect";
import { type GetInfoResponse, InfoService } from "../../gen/dynakv/v1/info_service_pb.js";
import { KeyValueService } from "../../gen/dynakv/v1/key_value_service_pb.js";
import { createGetTogether, getAlone } from "./batching/batch-get.js";
import { createIncrTogether, type IncrInput, incrAlone } from "./batching/batch-incr.js";
import type { CallOptions, ReadOptions, WriteOptions } from "./call-options.js";
import { type Call, createCaller } from "./call-runner.js";
import type { Codec } from "./codecs.js";
import type { Entry } from "./entry.js";
import { type Counters, createCounters, createKeyspace, type Keyspace } from "./keyspace.js";
import { type MGetOptions, type MGetResults, mget } from "./mget/mget.js";
import { createPauses, type RetryOptions } from "./retries.js";
import { type ScanOptions, type ScanResults, scan } from "./scan/scan.js";
import type { View } from "./view.js";
import { wrapTransport } from "./wrap-transport.js";
import { type ConditionOptions, type Expiry, toCondition, toExpiry } from "./write-options.js";

/** What {@link DynakvClient.set} has written. */
export interface Written {
  readonly etag: string;
  readonly writeTime: Date;
  /** The second from which it is gone; undefined when it never expires. */
  readonly expireTime: Date | undefined;
}

/** Options of set. */
export type SetOptions = WriteOptions &
  ConditionOptions & {
    /** When the entry shall be gone. The default is the server's, which is never unless it is configured. */
    readonly expiry?: Expiry | undefined;
  };

/** Options of delete. */
export type DeleteOptions = WriteOptions & ConditionOptions;

/** Options of touch. */
export interface TouchOptions extends WriteOptions {
  /** Change it only if the key holds the entry with this etag; otherwise: `ETAG_MISMATCH`. */
  readonly ifEtag?: string | undefined;
}

/** Options of incr. */
export interface IncrOptions extends CallOptions {
  /** What to add; negative to subtract. The default is 1. */
  readonly delta?: bigint | undefined;
  /** Where a counter that is created starts, before delta is added. The default is 0. */
  readonly initial?: bigint | undefined;
  /** The lowest and the highest value that it may take; beyond them: `OUT_OF_BOUNDS`. The defaults are those of int64. */
  readonly min?: bigint | undefined;
  readonly max?: bigint | undefined;
  /** When it shall be gone. The default keeps its expiry, and gives one that is created the server's. */
  readonly expiry?: Expiry | undefined;
  /**
   * An id under which you repeat the increment yourself, such as `createRequestId()`: a UUID of version 7, a fresh one for each
   * increment. The default is one of the client's, under which the client does.
   */
  readonly requestId?: string | undefined;
  /**
   * Counts once for this member as long as the counter lives, whatever call it comes in: 1 to 128 bytes of UTF-8. For a member
   * that was counted before the counter is returned as it is. A counter tells 4,096 members apart; beyond: `MEMBERS_FULL`.
   */
  readonly member?: string | undefined;
}

/**
 * A client of dynakv. Calls fail with a {@link DynakvError}, and what is wrong in the arguments themselves throws a TypeError
 * or a RangeError.
 *
 * A call is repeated until its deadline where a repetition does no harm: reads, increments, and whatever has certainly not
 * been applied. A write of which nobody knows whether it was applied is reported, with the outcome `UNKNOWN`, unless its
 * caller calls it `idempotent`.
 */
export interface DynakvClient {
  /** The entry at a key; undefined when it holds nothing, or what it held has expired. */
  get(key: string, options?: ReadOptions): Promise<Entry | undefined>;
  /** Stores a value whole, in place of whatever the key holds. */
  set(key: string, value: Uint8Array, options?: SetOptions): Promise<Written>;
  /** Removes what a key holds, and says whether it held something. */
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  /** Adds to a counter, which is created if need be, and returns it. It counts once, however often the request is repeated. */
  incr(key: string, options?: IncrOptions): Promise<bigint>;
  /** Changes when an entry expires, and nothing else. False when the key holds nothing. */
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
  /**
   * Reads any number of keys, in memory that does not grow with their number: keys are taken from the iterable as they are
   * asked for, results come as they arrive. Leaving the loop cancels what is under way, on the server too.
   */
  mget(keys: Iterable<string> | AsyncIterable<string>, options?: MGetOptions): MGetResults;
  /**
   * Reads all keys of the table, or those with a prefix, in no particular order and in memory that does not grow with their number.
   * What is written meanwhile may or may not be seen. It costs the read capacity of the whole table, whatever the prefix.
   * Leaving the loop cancels it, on the server too.
   */
  scan(options?: ScanOptions): ScanResults;
  /** Values of one type under one prefix. */
  keyspace<Read, Write = Read>(prefix: string, codec: Codec<Read, Write>): Keyspace<Read, Write>;
  /** Counters under one prefix. */
  counters(prefix: string): Counters;
  /** What the server serves: its version, table, limits and features. */
  info(options?: CallOptions): Promise<GetInfoResponse>;
  /** The clients that are generated from the schema, over the same connection: each call is one attempt, and as it is. */
  readonly generated: {
    readonly keyValue: Client<typeof KeyValueService>;
    readonly info: Client<typeof InfoService>;
  };
  /** Closes the connections that the client opened. Calls that run, and calls made later, fail with `CANCELED`. */
  close(): void;
}

/** Options that every client has, whatever it speaks. */
export interface SharedOptions {
  /**
   * The deadline of a call that sets no `timeoutMs`, with all its retries, in milliseconds; 0 is none. It is sent along, and
   * the server stops working when it has passed. mget has none unless it is given one.
   *
   * The default is 10,000, within which a server can be restarted.
   */
  readonly defaultTimeoutMs?: number | undefined;
  /** How often and how patiently calls are repeated; `false` for never. The default is 20 attempts within the deadline. */
  readonly retries?: RetryOptions | false | undefined;
  /** The bearer token to send with each attempt, or what returns it, so that it can be renewed. The default is none. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /**
   * Whether the token may go to another machine without encryption, where everybody on the way can read it and call in your name.
   * The default is false: such an address is refused.
   */
  readonly allowInsecureToken?: boolean | undefined;
  /**
   * Whether calls that are made at the same time travel together: gets as one MGet, increments of one counter as one Incr with
   * their sum. Each keeps its own answer, error, deadline and signal. Calls with headers, `contextValues`, `onHeader`,
   * `onTrailer`, a `member` or a `requestId` of their own always travel alone. The default is true; `false` is for whoever counts or traces
   * requests one by one.
   */
  readonly batching?: boolean | undefined;
}

/** What is the same for every transport. */
export function createClientOver(
  bare: Transport,
  { defaultTimeoutMs = 10_000, retries, token, batching = true }: SharedOptions,
  closeTransport: () => void,
): DynakvClient {
  if (!(defaultTimeoutMs >= 0)) {
    throw new RangeError(`defaultTimeoutMs is ${defaultTimeoutMs}, and must be 0 or more`);
  }
  const pauses = createPauses(retries);
  let isClosed = false;
  const transport = wrapTransport(bare, token, () => isClosed);
  const caller = createCaller({ transport, defaultTimeoutMs, pauses });
  const get = batching ? createGetTogether(caller) : getAlone;
  const incr = batching ? createIncrTogether(caller) : (call: Call, input: IncrInput) => incrAlone(call, input);
  const { method } = KeyValueService;

  const calls = {
    get: (key: string, options: ReadOptions = {}) =>
      caller.run(options, (call) => (isPlain(options) ? get : getAlone)(call, key, options)),
    set: (key: string, value: Uint8Array, options: SetOptions = {}) =>
      caller.run(options, async (call): Promise<Written> => {
        const request = { key, value, ...toExpiry(options.expiry), ...toCondition(options) };
        const { etag, writeTime, expireTime } = await call.unary(method.set, request);
        return {
          etag,
          writeTime: writeTime === undefined ? new Date() : timestampDate(writeTime),
          expireTime: expireTime && timestampDate(expireTime),
        };
      }),
    delete: (key: string, options: DeleteOptions = {}) =>
      caller.run(options, async (call) => (await call.unary(method.delete, { key, ...toCondition(options) })).existed),
    incr: (key: string, options: IncrOptions = {}) =>
      caller.run(options, (call) => {
        const { requestId, ...input } = options;
        return requestId === undefined && input.member === undefined && isPlain(options)
          ? incr(call, { ...input, key })
          : incrAlone(call, { ...input, key }, requestId);
      }),
    touch: (key: string, expiry: Exclude<Expiry, "keep">, options: TouchOptions = {}) =>
      caller.run(options, async (call) => {
        const { ifEtag } = options;
        const request = { key, ...toExpiry(expiry), ...toCondition(ifEtag === undefined ? {} : { ifEtag }) };
        return (await call.unary(method.touch, request)).existed;
      }),
  };
  const read = <E>(view: View<E>, keys: Iterable<string> | AsyncIterable<string>, options: MGetOptions | undefined) =>
    mget(caller, view, keys, options);
  const scanAll = <E>(view: View<E>, options: ScanOptions | undefined) => scan(caller, view, options);
  const ofKeyspaces = { ...calls, mget: read, scan: scanAll };

  return {
    ...calls,
    mget: (keys, options) => read(asItIs, keys, options),
    scan: (options) => scanAll(asItIs, options),
    keyspace: (prefix, codec) => createKeyspace(ofKeyspaces, prefix, codec),
    counters: (prefix) => createCounters(ofKeyspaces, prefix),
    info: (options) => caller.run(options, (call) => call.unary(InfoService.method.getInfo, {})),
    generated: {
      keyValue: createServiceClient(KeyValueService, transport),
      info: createServiceClient(InfoService, transport),
    },
    close() {
      if (!isClosed) {
        isClosed = true;
        caller.close();
        closeTransport();
      }
    },
  };
}

/** Whether nothing of a call is meant for a request of its own. */
function isPlain({ headers, contextValues, onHeader, onTrailer }: CallOptions): boolean {
  return headers === undefined && contextValues === undefined && onHeader === undefined && onTrailer === undefined;
}

const asItIs: View<Entry> = { prefix: "", change: (entry) => entry };
