import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import { bindInitiator } from "../store/dynamodb/initiators.js";

/** Where the transport says who wants to know of the requests to DynamoDB that a call takes; nobody, if undefined. */
export const initiatorKey = createContextKey<object | undefined>(undefined, { description: "who watches requests" });

/** The signal of a call's work, by which the store knows for whom it is done. */
export function workOf({ values }: Pick<HandlerContext, "values">, signal: AbortSignal): AbortSignal {
  const initiator = values.get(initiatorKey);
  if (initiator !== undefined) {
    bindInitiator(signal, initiator);
  }
  return signal;
}
