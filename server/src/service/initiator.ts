import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import { bindInitiator } from "../store/dynamodb/initiators.js";

/** Context key of the observer of a call's DynamoDB requests; undefined for none. */
export const initiatorKey = createContextKey<object | undefined>(undefined, { description: "who watches requests" });

/** The signal of a call's work, by which the store knows for whom it is done. */
export function workOf({ values }: Pick<HandlerContext, "values">, signal: AbortSignal): AbortSignal {
  const initiator = values.get(initiatorKey);
  if (initiator !== undefined) {
    bindInitiator(signal, initiator);
  }
  return signal;
}
