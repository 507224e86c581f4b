import type { Item } from "../dynamodb/item.js";
import type { StoreContext } from "../store-context.js";
import { type Expression, forgettingGuard } from "./write-condition.js";

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

/** The parameters of a write of a whole item without a condition of the caller's. */
export function plainParameters(context: StoreContext): ReturnType<typeof conditionParameters> {
  let parameters = plain.get(context);
  if (parameters === undefined) {
    parameters = conditionParameters(context, { expression: forgettingGuard, values: {} });
    plain.set(context, parameters);
  }
  return parameters;
}

const plain = new WeakMap<StoreContext, ReturnType<typeof conditionParameters>>();
