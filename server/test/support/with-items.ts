import type { AnsweredItems } from "../../src/store/dynamodb/answered-items.js";

/** An answer whose items are a list, as those of the SDK are. */
export async function withItems(answered: Promise<{ readonly items: AnsweredItems }>): Promise<object> {
  const { items, ...rest } = await answered;
  return { ...rest, Items: Array.from({ length: items.length }, (_, index) => items.item(index)) };
}
