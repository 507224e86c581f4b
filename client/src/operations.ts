import type { CallOptions, ReadOptions, WriteOptions } from "./call-options.js";
import type { Entry } from "./entry.js";
import type { ConditionOptions, Expiry } from "./write-options.js";

/** The result of {@link Operations.set}. */
export interface Written {
  readonly etag: string;
  readonly writeTime: Date;
  /** The second from which it is gone; undefined when it never expires. */
  readonly expireTime: Date | undefined;
}

/** Options of set. */
export type SetOptions = WriteOptions &
  ConditionOptions & {
    /** Expiry of the entry. The default is the server's, which is never unless it is configured. */
    readonly expiry?: Expiry | undefined;
  };

/** Options of delete. */
export type DeleteOptions = WriteOptions & ConditionOptions;

/** Options of touch. */
export interface TouchOptions extends WriteOptions {
  /** Change it only if the entry has this etag; otherwise: `ETAG_MISMATCH`. */
  readonly ifEtag?: string | undefined;
}

/** Options of incr. */
export interface IncrOptions extends CallOptions {
  /** Amount to add; negative to subtract. The default is 1. */
  readonly delta?: bigint | undefined;
  /** Initial value of a new counter, before delta is added. The default is 0. */
  readonly initial?: bigint | undefined;
  /** The lowest and the highest value that it may take; beyond them: `OUT_OF_BOUNDS`. The defaults are those of int64. */
  readonly min?: bigint | undefined;
  readonly max?: bigint | undefined;
  /** Expiry of the counter. The default keeps its expiry, and gives one that is created the server's. */
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

/** The calls of one key. */
export interface Operations {
  /** The entry at a key; undefined when it holds nothing, or what it held has expired. */
  get(key: string, options?: ReadOptions): Promise<Entry | undefined>;
  /** Stores a value whole, in place of whatever the key holds. */
  set(key: string, value: Uint8Array, options?: SetOptions): Promise<Written>;
  /** Removes what a key holds, and says whether it held something. */
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  /** Adds to a counter, which is created if need be, and returns it. It counts once, however often the request is repeated. */
  incr(key: string, options?: IncrOptions): Promise<bigint>;
  /** Changes when an entry expires, and nothing else. False when there is no entry. */
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
}
