import type { CallOptions, ReadOptions, WriteOptions } from "./call-options.js";
import type { Entry, EntryMetadata } from "./entry.js";
import type { ConditionOptions, Expiry } from "./write-options.js";

/** The result of {@link Operations.set}. */
export interface Written {
  readonly etag: string;
  readonly writeTime: Date;
  /** The moment from which it is gone, to the millisecond; undefined when it never expires. */
  readonly expireTime: Date | undefined;
}

/** The result of {@link Operations.swap}. */
export interface Swapped<E = Entry> extends Written {
  /** The previous entry; undefined when there was none, or it had expired. */
  readonly previous: E | undefined;
}

/** The result of {@link Operations.touchDetailed}. */
export interface Touched {
  /** A new one, unless nothing was changed. */
  readonly etag: string;
  /** The moment from which it is gone, to the millisecond; undefined when it never expires. */
  readonly expireTime: Date | undefined;
  /** True if nothing was changed, since the entry has the time of `ifRemainingBelow` or longer to live. */
  readonly unchanged: boolean;
}

/** The result of {@link Operations.incrDetailed}. */
export interface Incremented {
  /** The counter after the increment. */
  readonly value: bigint;
  /** The etag of the counter after this increment. A condition on it fails once anything else has changed the counter. */
  readonly etag: string;
  /** The moment from which the counter is gone, to the millisecond; undefined when it never expires. */
  readonly expireTime: Date | undefined;
  /** True if an earlier request with this id, or an earlier attempt, had counted, or the member was counted before. */
  readonly replayed: boolean;
}

/** The result of {@link Operations.rateLimit}. */
export interface RateLimited {
  readonly allowed: boolean;
  /** Units left in the window; 0 when the call is not allowed. */
  readonly remaining: number;
  /** Units requested in the window so far, refused ones included. */
  readonly used: bigint;
  /** End of the window, by the server's clock; undefined for a counter that was created without an expiry. */
  readonly resetTime: Date | undefined;
}

/** Options of set. */
export type SetOptions = WriteOptions &
  ConditionOptions & {
    /** Expiry of the entry. The default is the server's, which is never unless it is configured. */
    readonly expiry?: Expiry | undefined;
  };

/** Options of swap: it is never repeated when it may have been applied, since what it returns would be its own value. */
export type SwapOptions = CallOptions & ConditionOptions & Pick<SetOptions, "expiry">;

/** Options of delete. */
export type DeleteOptions = WriteOptions & ConditionOptions;

/** Options of take. */
export type TakeOptions = CallOptions & ConditionOptions;

/** Options of touch. */
export interface TouchOptions extends WriteOptions {
  /** Change it only if the entry has this etag; otherwise: `ETAG_MISMATCH`. */
  readonly ifEtag?: string | undefined;
  /**
   * Change nothing, and write nothing, while the entry has this long or longer to live, as one that never expires always has: with
   * a quarter of its expiry it is written at most once in three quarters of its life, and not with each use. Kept to the
   * millisecond, rounded up. The default changes it always.
   */
  readonly ifRemainingBelow?: { readonly seconds: number } | undefined;
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
   * Expiry of the counter if this increment creates it, or starts it anew after it has expired; one that is there keeps its own. Beside it
   * `expiry` must be left out or be `keep`.
   */
  readonly expiryIfCreated?: Exclude<Expiry, "keep"> | undefined;
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

/** Options of rateLimit. */
export interface RateLimitOptions extends CallOptions {
  /** Units allowed in a window: a whole number from 1. */
  readonly limit: number;
  /** Length of a window from its first call, in whole milliseconds from 1 to a year. */
  readonly windowMs: number;
  /** Units that this call takes: a whole number from 1. The default is 1. */
  readonly cost?: number | undefined;
}

/** The calls of one key. */
export interface Operations {
  /** The entry at a key; undefined when it holds nothing, or what it held has expired. */
  get(key: string, options?: ReadOptions): Promise<Entry | undefined>;
  /** Metadata of the entry at a key, without its value. DynamoDB bills the read all the same. */
  getMetadata(key: string, options?: ReadOptions): Promise<EntryMetadata | undefined>;
  /** Returns true if a key holds an entry. */
  has(key: string, options?: ReadOptions): Promise<boolean>;
  /** Stores a value whole, in place of whatever the key holds. Its bytes must not be changed until it is answered. */
  set(key: string, value: Uint8Array, options?: SetOptions): Promise<Written>;
  /** Stores a counter with this value, in place of whatever the key holds. */
  setCounter(key: string, counter: bigint, options?: SetOptions): Promise<Written>;
  /**
   * As set, and returns what the key held before. Where the answer was lost and the value is known to be stored, what it replaced is
   * not known: an error with the outcome `APPLIED`.
   */
  swap(key: string, value: Uint8Array, options?: SwapOptions): Promise<Swapped>;
  /** Removes what a key holds, and says whether it held something. */
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  /**
   * Removes what a key holds, and returns it: of callers who take it at the same time one alone gets it, whatever was lost on the way.
   * It reads the entry strongly, and deletes that very entry under a request id, until it is known what became of that. The outcome
   * `UNKNOWN` is left for when the deadline passes before, or another has written the key meanwhile; the entry may then be gone. An entry
   * that Celery has written can be gone after a single lost answer.
   */
  take(key: string, options?: TakeOptions): Promise<Entry | undefined>;
  /** Adds to a counter, which is created if need be, and returns it. It counts once, however often the request is repeated. */
  incr(key: string, options?: IncrOptions): Promise<bigint>;
  /** As incr, and returns all that the server says. It does not share a request with others under `batching`. */
  incrDetailed(key: string, options?: IncrOptions): Promise<Incremented>;
  /**
   * Counts a call against a limit in a window of fixed length, which begins with its first call, in one request. Calls that are not
   * allowed count as well, until the window ends. The key's counter is for this alone.
   */
  rateLimit(key: string, options: RateLimitOptions): Promise<RateLimited>;
  /** Changes when an entry expires, and nothing else. False when there is no entry. */
  touch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<boolean>;
  /** As touch, and returns the etag and the expiry that the entry has then; undefined when there is no entry. */
  touchDetailed(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<Touched | undefined>;
  /** The entry at a key, after its expiry was changed in the same request; undefined when there is none. */
  getAndTouch(key: string, expiry: Exclude<Expiry, "keep">, options?: TouchOptions): Promise<Entry | undefined>;
}
