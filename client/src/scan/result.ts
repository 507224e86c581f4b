import type { Entry } from "../entry.js";
import type { DynakvError } from "../errors.js";

/** The result for one key of a scan. */
export class ScanResult<E = Entry> {
  readonly key: string;
  /** The error of this key, if its entry could not be read. */
  readonly error: DynakvError | undefined;
  readonly #entry: E | undefined;

  constructor(key: string, found: { readonly entry: E } | { readonly error: DynakvError }) {
    this.key = key;
    this.error = "error" in found ? found.error : undefined;
    this.#entry = "entry" in found ? found.entry : undefined;
  }

  /** The entry. Throws `error` where there is one. */
  get entry(): E {
    if (this.error !== undefined) {
      throw this.error;
    }
    return this.#entry as E;
  }
}
