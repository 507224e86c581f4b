import type { ConditionOptions, Expiry } from "../write-options.js";
import type { ManyWritesOptions } from "./many-writes.js";

/** Options of mset. */
export interface MSetOptions extends ManyWritesOptions {
  /** Return what each key held before. Not together with `idempotent`: a repetition would return its own value. The default is false. */
  readonly returnPrevious?: boolean | undefined;
}

/** Options of mdelete. */
export interface MDeleteOptions extends ManyWritesOptions {
  /** Return what was removed. Not together with `idempotent`: it would be lost with an answer. The default is false. */
  readonly returnEntries?: boolean | undefined;
}

/** An entry of an mset, with its own expiry and condition, as in a set. Its bytes must not be changed until it is answered. */
export type SetEntry<V = Uint8Array> = ConditionOptions & {
  readonly key: string;
  readonly value: V;
  readonly counter?: undefined;
  /** The default is the server's, which is never unless it is configured. */
  readonly expiry?: Expiry | undefined;
};

/** An entry of an mset that sets a counter. */
export type CounterSetEntry = ConditionOptions & {
  readonly key: string;
  readonly counter: bigint;
  readonly value?: undefined;
  readonly expiry?: Expiry | undefined;
};

/** A key of an mdelete, with its own condition. */
export type DeleteKey = string | (ConditionOptions & { readonly key: string });
