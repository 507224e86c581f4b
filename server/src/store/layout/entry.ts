/** What a key holds, as the store hands it to the service. */
export interface StoredEntry {
  readonly data:
    | { readonly kind: "value"; readonly value: Uint8Array }
    | { readonly kind: "counter"; readonly counter: bigint };
  /** When it was written; undefined when the item does not say. */
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

/** When a written entry shall be gone. */
export type ExpiryPolicy =
  | { readonly kind: "at"; readonly ms: number }
  | { readonly kind: "never" }
  | { readonly kind: "keep" }
  | { readonly kind: "default" };

/** What must hold for a write to be applied. */
export type WriteCondition =
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "etag"; readonly etag: string };

/** How one call on the store is to be carried out. */
export interface CallOptions {
  /** Aborts when the caller has left or its deadline has passed; the DynamoDB request is then aborted too. */
  readonly signal: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** Whether the read must reflect every write acknowledged before it (DynamoDB: ConsistentRead). */
  readonly strong: boolean;
}
