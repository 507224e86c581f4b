import type { Entry } from "./entry.js";
import { DynakvError } from "./errors.js";

/** What the keys of a read begin with, and what is made of their entries: nothing else, where `decode` is undefined. */
export interface Decoder<E> {
  readonly prefix: string;
  /** A DynakvError that it throws is the error of the key alone. */
  readonly decode?: ((entry: Entry) => E | Promise<E>) | undefined;
}

/** What a decoder makes of an entry, or the error of its key. */
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
