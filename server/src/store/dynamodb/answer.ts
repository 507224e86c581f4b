import { fromJsonItem, type JsonItem } from "./attribute-json.js";
import type { HttpAnswer } from "./http-exchange.js";

/** The parts of an answer to any of the operations. */
interface JsonAnswer {
  Item?: JsonItem;
  Attributes?: JsonItem;
  Items?: JsonItem[];
  Responses?: Record<string, JsonItem[]>;
}

/** The parts of an error. */
interface JsonError {
  __type?: string;
  code?: string;
  message?: string;
  Message?: string;
  Item?: JsonItem;
  ThrottlingReasons?: unknown;
  throttlingReasons?: unknown;
}

/** What an answer says, with its bytes as bytes. Throws the error that it tells, as the SDK has it, or that it is no answer. */
export function readAnswer<Output>({ status, body, requestId }: HttpAnswer): Output {
  const { text, bytes } = takeBytes(body);
  const json = parseObject(text, status);
  if (status !== 200) {
    throw toServiceError(json as JsonError, bytes, { httpStatusCode: status, requestId: readRequestId(requestId) });
  }
  const answer = json as JsonAnswer;
  if (answer.Item !== undefined) {
    fromJsonItem(answer.Item, bytes);
  }
  if (answer.Attributes !== undefined) {
    fromJsonItem(answer.Attributes, bytes);
  }
  for (const item of answer.Items ?? []) {
    fromJsonItem(item, bytes);
  }
  for (const table in answer.Responses) {
    for (const item of answer.Responses[table] ?? []) {
      fromJsonItem(item, bytes);
    }
  }
  return answer as Output;
}

/** What comes before bytes, in base64. No string can hold it, since the quotes in one are escaped. */
const bytesStart = Buffer.from('"B":"');
const quote = 0x22;

/**
 * Takes the bytes out of an answer before its text is made and parsed, and leaves their places in the list: they are most of it,
 * and need no parser. Where an engine writes them in another way, with spaces before them or escapes in them, they stay in.
 */
function takeBytes(body: Buffer): { text: string; bytes: Buffer[] } {
  const bytes: Buffer[] = [];
  let text = "";
  let from = 0;
  for (;;) {
    const found = body.indexOf(bytesStart, from);
    const start = found + bytesStart.length;
    const end = found === -1 ? -1 : body.indexOf(quote, start);
    if (end === -1) {
      return { text: text + body.toString("utf8", from), bytes };
    }
    const base64 = body.toString("latin1", start, end);
    if (base64.includes("\\")) {
      text += body.toString("utf8", from, end);
      from = end;
    } else {
      text += body.toString("utf8", from, start - 1) + bytes.length;
      bytes.push(Buffer.from(base64, "base64"));
      from = end + 1;
    }
  }
}

/** DynamoDB always sends an object, `{}` at least. Anything else was cut short, or comes from somebody else. */
function parseObject(text: string, status: number): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // What the parser says would quote the answer, values included.
    json = undefined;
  }
  if (typeof json !== "object" || json === null) {
    throw Object.assign(new Error("the answer is not one of DynamoDB's"), { $metadata: { httpStatusCode: status } });
  }
  return json;
}

/** With what is known of DynamoDB's errors, and nothing else that an answer may hold: an error can end in a log. */
function toServiceError(json: JsonError, bytes: readonly Buffer[], $metadata: object): Error {
  // Such as `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, or with `:http://…` after it.
  const type = json.__type ?? json.code ?? "";
  const name = type.slice(type.indexOf("#") + 1).replace(/:.*/, "");
  const error = new Error(json.message ?? json.Message ?? "");
  const { ThrottlingReasons, throttlingReasons } = json;
  return Object.assign(error, {
    name: name || "UnknownError",
    $metadata,
    ...(json.Item === undefined ? {} : { Item: fromJsonItem(json.Item, bytes) }),
    ...(ThrottlingReasons === undefined ? {} : { ThrottlingReasons }),
    ...(throttlingReasons === undefined ? {} : { throttlingReasons }),
  });
}

/** AWS's have 52 letters and digits, and other engines UUIDs. Anything else might be made to break a log. */
function readRequestId(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w-]{1,128}$/.test(text) ? text : undefined;
}
