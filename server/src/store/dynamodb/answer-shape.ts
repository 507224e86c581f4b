/** The operations whose answers are known here, and the members that each of them can have. */
const members: Readonly<Record<string, readonly string[]>> = {
  GetItem: ["Item", "ConsumedCapacity"],
  BatchGetItem: ["Responses", "UnprocessedKeys", "ConsumedCapacity"],
  Scan: ["Items", "Count", "ScannedCount", "LastEvaluatedKey", "ConsumedCapacity"],
  PutItem: ["Attributes", "ConsumedCapacity", "ItemCollectionMetrics"],
  UpdateItem: ["Attributes", "ConsumedCapacity", "ItemCollectionMetrics"],
  DeleteItem: ["Attributes", "ConsumedCapacity", "ItemCollectionMetrics"],
  DescribeTable: ["Table"],
  CreateTable: ["TableDescription"],
  DescribeTimeToLive: ["TimeToLiveDescription"],
  UpdateTimeToLive: ["TimeToLiveSpecification"],
};

/** Those members that an answer always has, and which are objects. */
const required: Readonly<Record<string, string>> = {
  BatchGetItem: "Responses",
  DescribeTable: "Table",
  CreateTable: "TableDescription",
  DescribeTimeToLive: "TimeToLiveDescription",
  UpdateTimeToLive: "TimeToLiveSpecification",
};

/** The parts of a request that its answer depends on. */
export interface AskedFor {
  readonly ReturnValues?: string | undefined;
  readonly RequestItems?: Readonly<Record<string, unknown>> | undefined;
}

/** Something between this server and DynamoDB has answered in its place, or has cut its answer short. */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  readonly $metadata: { readonly httpStatusCode: number };
  constructor(status: number, what: string) {
    super(`the answer is not DynamoDB's: ${what}`);
    this.$metadata = { httpStatusCode: status };
  }
}

const dynamoDbType = "application/x-amz-json-1.0";

/** @throws ForeignAnswerError unless a success has the status and the content type that DynamoDB's successes have */
export function checkSuccessHead(status: number, contentType: string | undefined): void {
  if (status !== 200) {
    throw new ForeignAnswerError(status, `its HTTP status is ${status}`);
  }
  if (contentType !== dynamoDbType && !isDynamoDbType(contentType ?? "")) {
    // It is not shown: anybody may have made it.
    throw new ForeignAnswerError(status, `its content type is not ${dynamoDbType}`);
  }
}

function isDynamoDbType(contentType: string): boolean {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() === dynamoDbType;
}

/**
 * Checks that the JSON of a success is what the operation asked for, but for its items (see attribute-json.ts). An answer may have
 * members that are not known here, since AWS adds some, but not those alone.
 *
 * @throws ForeignAnswerError
 */
export function checkAnswer(operation: string, asked: AskedFor, answer: unknown): void {
  if (!isObject(answer)) {
    throw new ForeignAnswerError(200, "its body is not a JSON object");
  }
  let isEmpty = true;
  let isKnown = false;
  for (const name in answer) {
    isEmpty = false;
    isKnown ||= members[operation]?.includes(name) ?? true;
  }
  const needed = required[operation] ?? (returnsAttributes(asked) ? "Attributes" : undefined);
  if ((!isEmpty && !isKnown) || (needed !== undefined && !isObject(answer[needed]))) {
    throw new ForeignAnswerError(200, `its body is none of ${operation}`);
  }
  for (const table in asked.RequestItems) {
    if (!Array.isArray((answer.Responses as Record<string, unknown>)[table])) {
      throw new ForeignAnswerError(200, "it has no responses for the table");
    }
  }
  if ((operation === "Scan" || "Items" in answer) && !Array.isArray(answer.Items)) {
    throw new ForeignAnswerError(200, "it has no list of items");
  }
}

/** Those of an item as it is after a write are always there. */
function returnsAttributes({ ReturnValues }: AskedFor): boolean {
  return ReturnValues === "ALL_NEW" || ReturnValues === "UPDATED_NEW";
}

/** Returns true if JSON is an object, and not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
