import type { Entry } from "../entry.js";
import type { DynakvError } from "../errors.js";

/** What one position of an mget has brought. */
export class MGetResult<E = Entry> {
  /** The position among the keys that were asked for, from 0. */
  readonly index: number;
  readonly key: string;
  /** Why this key could not be read; undefined when it could. */
  readonly error: DynakvError | undefined;
  readonly #entry: E | undefined;

  constructor(index: number, key: string, entry: E | undefined, error?: DynakvError) {
    this.index = index;
    this.key = key;
    this.error = error;
    this.#entry = entry;
  }

  /**
   * What the key holds; undefined when it holds nothing. Throws `error` where there is one, so that a key which could not
   * be read is never taken for one that holds nothing.
   */
  get entry(): E | undefined {
    if (this.error !== undefined) {
      throw this.error;
    }
    return this.#entry;
  }
}

/** How far an mget has come. */
export interface MGetProgress {
  /** How many keys were asked for. */
  readonly asked: number;
  /** How many of them are answered: found, missing and failed together. */
  readonly answered: number;
  readonly found: number;
  readonly missing: number;
  readonly failed: number;
}
