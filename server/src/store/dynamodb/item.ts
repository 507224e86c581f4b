import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item as DynamoDB has it. */
export type Item = Record<string, AttributeValue>;
