import { fromJsonItem, type JsonItem } from "./attribute-json.js";
import type { HttpAnswer } from "./http-exchange.js";

/** The parts of an answer to any of the operations. */
interface JsonAnswer {
  Item?: JsonItem;
  Attributes?: JsonItem;
  Responses?: Record<string, JsonItem[]>;
}

/** The parts of an error. */
interface JsonError {
  __type?: string;
  code?: string;
  message?: string;
  Message?: string;
  Item?: JsonItem;
}

/** What an answer says, with its bytes as bytes. Throws the error that it tells, as the SDK has it, or that it is no answer. */
export function readAnswer<Output>({ status, body }: HttpAnswer): Output {
  const json = parseObject(body, status);
  if (status !== 200) {
    throw toServiceError(json as JsonError, status);
  }
  const answer = json as JsonAnswer;
  if (answer.Item !== undefined) {
    fromJsonItem(answer.Item);
  }
  if (answer.Attributes !== undefined) {
    fromJsonItem(answer.Attributes);
  }
  for (const table in answer.Responses) {
    answer.Responses[table]?.forEach(fromJsonItem);
  }
  return answer as Output;
}

/** DynamoDB always sends an object, `{}` at least. Anything else was cut short, or comes from somebody else. */
function parseObject(body: Buffer, status: number): object {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    // What the parser says would quote the answer, values included.
    json = undefined;
  }
  if (typeof json !== "object" || json === null) {
    throw Object.assign(new Error("the answer is not one of DynamoDB's"), { $metadata: { httpStatusCode: status } });
  }
  return json;
}

function toServiceError(json: JsonError, status: number): Error {
  // Such as `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, or with `:http://…` after it.
  const type = json.__type ?? json.code ?? "";
  const name = type.slice(type.indexOf("#") + 1).replace(/:.*/, "");
  const error = new Error(json.message ?? json.Message ?? "");
  const item = json.Item === undefined ? {} : { Item: fromJsonItem(json.Item) };
  return Object.assign(error, json, item, { name: name || "UnknownError", $metadata: { httpStatusCode: status } });
}
