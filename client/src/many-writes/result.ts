import type { Entry } from "../entry.js";
import type { DynakvError } from "../errors.js";

/** What an mdelete has done with one key. */
export interface Deleted<E = Entry> {
  /** Whether the key held an entry. */
  readonly existed: boolean;
  /** What was removed, if that was asked for. */
  readonly entry: E | undefined;
}

/** The result at one position of an mset or mdelete. */
export class WriteResult<Answer> {
  /** The position among what was given, from 0. */
  readonly index: number;
  readonly key: string;
  /** The error of this write, with its own outcome, if it failed. */
  readonly error: DynakvError | undefined;
  readonly #answer: Answer | undefined;

  constructor(index: number, key: string, answer: Answer | undefined, error?: DynakvError) {
    this.index = index;
    this.key = key;
    this.error = error;
    this.#answer = answer;
  }

  /** What the write alone would have returned. Throws `error` where there is one. */
  get answer(): Answer {
    if (this.error !== undefined) {
      throw this.error;
    }
    return this.#answer as Answer;
  }
}

export interface WriteProgress {
  /** Number of writes that were taken from what was given. */
  readonly asked: number;
  /** How many of them are answered: succeeded and failed together. */
  readonly answered: number;
  readonly succeeded: number;
  readonly failed: number;
}
