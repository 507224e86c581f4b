/** What a key holds. Each set of a history writes a value of its own. */
export type Content =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "counter"; readonly count: bigint };

/** An entry as a strong read returned it. */
export interface SeenEntry {
  readonly content: Content;
  readonly etag: string;
  /** The time in epoch milliseconds from which it is gone; undefined when it never expires. */
  readonly expireAt: number | undefined;
}

export type Condition =
  | { readonly test: "absent" }
  | { readonly test: "present" }
  | { readonly test: "etag"; readonly etag: string };

/** A time in epoch milliseconds from which the entry shall be gone. */
export type Expiry = number | "never";

export type Request =
  | { readonly type: "get" }
  | {
      readonly type: "set";
      readonly value: string;
      /** Set in place of the value. */
      readonly counter?: bigint | undefined;
      readonly condition?: Condition | undefined;
      /** Undefined means never: the servers of these histories have no default. */
      readonly expiry?: Expiry | "keep" | undefined;
      /** Returns what was replaced. */
      readonly isSwap?: boolean | undefined;
    }
  | {
      readonly type: "delete";
      readonly condition?: Condition | undefined;
      /** Returns what was removed. */
      readonly isTake?: boolean | undefined;
    }
  | {
      readonly type: "incr";
      readonly delta: bigint;
      readonly min?: bigint | undefined;
      readonly max?: bigint | undefined;
      /** Undefined keeps the expiry of the counter; one that is created never expires. */
      readonly expiry?: Expiry | undefined;
      /** That of a counter that is created, where it differs. */
      readonly expiryIfCreated?: Expiry | undefined;
    }
  | {
      readonly type: "touch";
      readonly expiry: Expiry;
      readonly condition?: Condition | undefined;
      /** Returns the entry. */
      readonly isRead?: boolean | undefined;
      /** In milliseconds: an entry that has longer to live is left as it is. */
      readonly ifRemainingBelow?: number | undefined;
    };

/** What a call returned, by the type of its request. */
export type Answer =
  | { readonly type: "get"; readonly entry: SeenEntry | undefined }
  | {
      readonly type: "set";
      readonly etag: string;
      readonly expireAt: number | undefined;
      /** What a swap has replaced. */
      readonly previous?: SeenEntry | undefined;
    }
  | {
      readonly type: "delete";
      readonly existed: boolean;
      /** What a take has removed. */
      readonly entry?: SeenEntry | undefined;
    }
  | {
      readonly type: "incr";
      readonly count: bigint;
      readonly etag: string;
      /** Untold by the answer to a repetition, which has the expiry of its own time. */
      readonly expireAt: number | "untold" | undefined;
    }
  /** Without an entry there is no etag. */
  | {
      readonly type: "touch";
      readonly existed: boolean;
      readonly etag: string | undefined;
      readonly expireAt: number | undefined;
      readonly entry?: SeenEntry | undefined;
      readonly isUnchanged?: boolean | undefined;
    };

/** A refusal by what the key held: a claim about it, as good as a read. */
export type Refusal = "ALREADY_EXISTS" | "NOT_PRESENT" | "ETAG_MISMATCH" | "WRONG_KIND" | "OUT_OF_BOUNDS";

export type Result =
  | { readonly outcome: "done"; readonly answer: Answer }
  | { readonly outcome: "refused"; readonly reason: Refusal; readonly currentEtag: string | undefined }
  /** It never takes effect, and says nothing about the key. */
  | { readonly outcome: "not-applied"; readonly why: string }
  /** It takes effect at any time after its invocation, also after its completion, or never. */
  | { readonly outcome: "unknown"; readonly why: string };

/** One call on one key. Repetitions of an increment with the same request id are one operation. */
export interface Operation {
  /** Unique in the history. */
  readonly id: number;
  readonly client: string;
  /** Positions in one order of all invocations and completions. */
  readonly invoked: number;
  readonly completed: number;
  /** The servers' clock at both, in epoch milliseconds. In between it may have been either, or anything between them. */
  readonly clockFrom: number;
  readonly clockTo: number;
  readonly request: Request;
  readonly result: Result;
}
