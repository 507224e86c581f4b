import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { addRequestRules } from "./request-rules.js";

/**
 * A view of a caller's client that sends each request once. The client itself stays as it is, its credentials, handler
 * and middleware are used, but its retries are not: they would count an increment twice whose answer was lost.
 */
export function withoutRetries(client: DynamoDBClient): Pick<DynamoDBClient, "send"> {
  const middlewareStack = client.middlewareStack.clone();
  // Replaced, not removed: others, such as the one that signs, are placed relative to it.
  middlewareStack.add((next) => (args) => next(args), {
    name: "retryMiddleware",
    step: "finalizeRequest",
    priority: "high",
    override: true,
  });
  addRequestRules(middlewareStack, client);
  return Object.create(client, { middlewareStack: { value: middlewareStack } }) as DynamoDBClient;
}
