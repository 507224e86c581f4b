import type { Entry } from "./entry.js";
import { DynakvError } from "./errors.js";

/** Key prefix of a read, and the decoder of its entries; without `decode` they stay as they are. */
export interface Decoder<E> {
  readonly prefix: string;
  /** A DynakvError that it throws is the error of the key alone. */
  readonly decode?: ((entry: Entry) => E | Promise<E>) | undefined;
}

/** Decodes an entry, or returns the error of its key. */
export async function decodeEntry<E>({ decode }: Pick<Decoder<E>, "decode">, entry: Entry): Promise<E | DynakvError> {
  try {
    return decode === undefined ? (entry as E) : await decode(entry);
  } catch (cause) {
    if (cause instanceof DynakvError) {
      return cause;
    }
    throw cause;
  }
}
