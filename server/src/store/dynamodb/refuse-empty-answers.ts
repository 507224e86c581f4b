import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/**
 * Makes a client take an answer without a body for the failure that it is. DynamoDB always sends one, `{}` at least; the SDK
 * reads nothing as well, and a GetItem that was cut short would look like a missing key.
 */
export function refuseEmptyAnswers(stack: DynamoDBClient["middlewareStack"]): void {
  stack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { statusCode, headers } = result.response as {
        statusCode?: number;
        headers?: Record<string, string | undefined>;
      };
      if (statusCode === 200 && headers?.["content-length"] === "0") {
        throw new Error("the answer has no body");
      }
      return result;
    },
    { name: "refuseEmptyAnswers", step: "deserialize", priority: "low" },
  );
}
