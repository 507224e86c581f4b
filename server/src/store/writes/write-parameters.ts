import type { Item } from "../dynamodb/item.js";
import type { StoreContext } from "../store-context.js";
import type { Expression } from "./write-condition.js";

/** The parameters of a conditional write, with the values of its update, if it is one. */
export function conditionParameters(
  { layout }: StoreContext,
  { expression, values }: Expression,
  update?: string,
  updateValues?: Item,
) {
  const all = { ...values, ...updateValues };
  return {
    ConditionExpression: expression,
    ExpressionAttributeNames: layout.namesFor(expression, update),
    ...(Object.keys(all).length === 0 ? {} : { ExpressionAttributeValues: all }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
}
