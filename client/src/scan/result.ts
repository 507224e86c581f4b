import type { Entry } from "../entry.js";
import type { DynakvError } from "../errors.js";

/** What one key of a scan holds. */
export class ScanResult<E = Entry> {
  readonly key: string;
  /** Why what the key holds could not be read; undefined when it could. */
  readonly error: DynakvError | undefined;
  readonly #entry: E | undefined;

  constructor(key: string, found: { readonly entry: E } | { readonly error: DynakvError }) {
    this.key = key;
    this.error = "error" in found ? found.error : undefined;
    this.#entry = "entry" in found ? found.entry : undefined;
  }

  /** What the key holds. Throws `error` where there is one. */
  get entry(): E {
    if (this.error !== undefined) {
      throw this.error;
    }
    return this.#entry as E;
  }
}
