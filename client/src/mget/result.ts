import type { Entry } from "../entry.js";
import type { DynakvError } from "../errors.js";
import type { FoundResults } from "../results/found-results.js";

/** The result at one position of an mget. */
export class MGetResult<E = Entry> {
  /** The position among the keys that were asked for, from 0. */
  readonly index: number;
  readonly key: string;
  /** The error of this key, if it could not be read. */
  readonly error: DynakvError | undefined;
  #entry: E | undefined;
  /** Of what the entry is made when it is first asked for. */
  #source: FoundResults | undefined;
  readonly #nth: number;

  constructor(index: number, key: string, entry: E | undefined, error?: DynakvError, source?: FoundResults, nth = 0) {
    this.index = index;
    this.key = key;
    this.error = error;
    this.#entry = entry;
    this.#source = source;
    this.#nth = nth;
  }

  /**
   * The entry; undefined when there is none. Throws `error` where there is one, so that a key which could not
   * be read is never taken for one that holds nothing.
   */
  get entry(): E | undefined {
    if (this.error !== undefined) {
      throw this.error;
    }
    if (this.#source !== undefined) {
      this.#entry = this.#source.entry(this.#nth, this.key) as E;
      this.#source = undefined;
    }
    return this.#entry;
  }

  /** Returns true if the key holds something, which is known without making an entry of it. */
  static isFound(result: MGetResult<unknown>): boolean {
    return result.#source !== undefined || result.#entry !== undefined;
  }
}

/** A result whose entry is made of others' when it is first asked for. */
export function lazyResult(index: number, key: string, source: FoundResults, nth: number): MGetResult {
  return new MGetResult<Entry>(index, key, undefined, undefined, source, nth);
}

export interface MGetProgress {
  /** Number of keys that were asked for. */
  readonly asked: number;
  /** Answered keys: found, missing and failed together. */
  readonly answered: number;
  readonly found: number;
  readonly missing: number;
  readonly failed: number;
}
