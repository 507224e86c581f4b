import type { Entry, EntryMetadata } from "./entry.js";
import { DynakvError } from "./errors.js";

/** Key prefix of a read, and the decoder of its entries; without `decode` they stay as they are. */
export interface Decoder<E> {
  readonly prefix: string;
  /** A DynakvError that it throws is the error of the key alone. */
  readonly decode?: ((entry: Entry) => E | Promise<E>) | undefined;
  /** True to read entries without their values and counters. */
  readonly metadataOnly?: boolean | undefined;
}

/** Of entries under a prefix, what is known about them. */
export function metadataDecoder(prefix: string): Decoder<EntryMetadata> {
  const metadataOnly = true;
  // Its entries are made of answers without data.
  const decode = (entry: Entry) => ({ ...(entry as unknown as EntryMetadata), key: entry.key.slice(prefix.length) });
  return prefix === "" ? { prefix, metadataOnly } : { prefix, metadataOnly, decode };
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
