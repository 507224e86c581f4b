/** An entry as the store returns it. */
export interface StoredEntry {
  readonly data:
    | { readonly kind: "value"; readonly value: Uint8Array }
    | { readonly kind: "counter"; readonly counter: bigint };
  /** Write time; undefined when the item has none. */
  readonly writeTime: Instant | undefined;
  /** The epoch millisecond from which it is gone; undefined when it never expires. */
  readonly expireAtMs: number | undefined;
  readonly etag: string;
}

/** A point in time with the nanoseconds that a Celery timestamp and a protobuf one can both hold. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Tells the time in milliseconds since the epoch. Tests give their own, so that they need not sleep. */
export type Clock = () => number;

/** Expiry of a write. */
export type ExpiryPolicy =
  | { readonly kind: "at"; readonly ms: number }
  | { readonly kind: "never" }
  | { readonly kind: "keep" }
  | { readonly kind: "default" };

/** Precondition of a write. */
export type WriteCondition =
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "etag"; readonly etag: string };

/** Options of every store operation. */
export interface CallOptions {
  /** Aborts when the caller has left or its deadline has passed; the DynamoDB request is then aborted too. */
  readonly signal: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** True if the read must reflect every write acknowledged before it (DynamoDB: ConsistentRead). */
  readonly strong: boolean;
}
