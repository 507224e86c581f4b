import { DynakvError } from "../../errors/dynakv-error.js";
import type { Item } from "../dynamodb/item.js";
import type { StoredEntry } from "../layout/entry.js";
import type { ItemLayout } from "../layout/item-layout.js";

/** Decodes an item, or returns the error of its key. */
export function decodeFound(
  layout: ItemLayout,
  item: Item | undefined,
  nowMs: number,
): StoredEntry | DynakvError | undefined {
  try {
    return layout.decode(item, nowMs);
  } catch (error) {
    if (error instanceof DynakvError) {
      return error;
    }
    throw error;
  }
}
