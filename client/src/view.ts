import type { Entry } from "./entry.js";
import { DynakvError } from "./errors.js";

/** What the keys of a read begin with, and what is made of their entries: nothing else, where `change` is undefined. */
export interface View<E> {
  readonly prefix: string;
  /** A DynakvError that it throws is the error of the key alone. */
  readonly change?: ((entry: Entry) => E | Promise<E>) | undefined;
}

/** What a view makes of an entry, or the error of its key. */
export async function changeEntry<E>({ change }: Pick<View<E>, "change">, entry: Entry): Promise<E | DynakvError> {
  try {
    return change === undefined ? (entry as E) : await change(entry);
  } catch (cause) {
    if (cause instanceof DynakvError) {
      return cause;
    }
    throw cause;
  }
}
