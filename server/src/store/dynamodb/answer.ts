import { type AskedFor, checkAnswer, checkSuccessHead, ForeignAnswerError, isObject } from "./answer-shape.js";
import { AnsweredItems, type Column } from "./answered-items.js";
import { decodeBase64, decodeBase64InPlace, fromJsonItem, type TakenBytes } from "./attribute-json.js";
import type { Item } from "./item.js";
import { isPlaceholder, scanAnswer } from "./scan-items.js";

/** An answer over HTTP, whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Gives the body back for other answers, where that is of use: to be called once, when nobody looks at it any more. */
  readonly release?: (() => void) | undefined;
  readonly contentType: string | undefined;
  /** Of an error, such as `Mon, 23 Nov 2026 12:00:00 GMT`; undefined when the answer does not say. */
  readonly date?: string | undefined;
  /** Of an error: the id by which AWS finds the request. */
  readonly requestId?: string | undefined;
  /** Of an error: its name, where the body has none. */
  readonly errorType?: string | undefined;
}

/**
 * Parses an answer, keeping binary values as bytes.
 *
 * @throws the error that it tells, as the SDK has it
 * @throws ForeignAnswerError when it is not one of DynamoDB's to this operation
 */
export function readAnswer<Output>(operation: string, asked: AskedFor, answer: HttpAnswer): Output {
  if (answer.status >= 300) {
    throw readError(answer);
  }
  return readSuccess(operation, asked, answer) as Output;
}

/** An answer to a read of many items, whose items stay where they are as far as they can. */
export type ItemsAnswer<Output> = Omit<Output, "Responses" | "Items"> & { readonly items: AnsweredItems };

/**
 * The same as {@link readAnswer} of a Scan, or of a BatchGetItem from one table, without an object for each item that has nothing but
 * columns.
 *
 * @throws as readAnswer does
 */
export function readItems<Output>(
  operation: "BatchGetItem" | "Scan",
  asked: AskedFor,
  answer: HttpAnswer,
  columns: readonly Column[],
): ItemsAnswer<Output> {
  const [table = ""] = Object.keys(asked.RequestItems ?? {});
  const listIn = ({ Items, Responses }: JsonAnswer) =>
    (operation === "Scan" ? Items : (Responses as Record<string, unknown[]>)[table]) ?? [];
  if (answer.status === 200) {
    const path = operation === "Scan" ? ["Items"] : ["Responses", table];
    const scanned = scanAnswer(answer.body, path, columns, decodeBase64InPlace);
    const rest = scanned && readSuccess(operation, asked, { ...answer, body: scanned.rest });
    // A name can be there twice, and then the last one counts.
    if (scanned !== undefined && rest !== undefined && isPlaceholder(listIn(rest))) {
      return withItems(rest as Output & JsonAnswer, scanned.take(parseItem, answer.release));
    }
  }
  const whole = readAnswer<Output & JsonAnswer>(operation, asked, answer);
  return withItems(whole, AnsweredItems.of(listIn(whole) as Item[]));
}

function withItems<Output>(answer: Output & JsonAnswer, items: AnsweredItems): ItemsAnswer<Output> {
  const { Items: _, Responses: __, ...rest } = answer;
  return { ...rest, items };
}

function parseItem(json: Buffer): Item {
  const { text, bytes } = takeBytes(json);
  return fromJsonItem(parse(text), bytes);
}

/** @throws ForeignAnswerError */
export function readSuccess(operation: string, asked: AskedFor, { status, contentType, body }: HttpAnswer): object {
  checkSuccessHead(status, contentType);
  const { text, bytes } = takeBytes(body);
  const answer = parse(text);
  checkAnswer(operation, asked, answer);
  const { Item, Attributes, LastEvaluatedKey, Items = [], Responses = {}, UnprocessedKeys = {} } = answer as JsonAnswer;
  for (const item of [Item, Attributes, LastEvaluatedKey]) {
    if (item !== undefined) {
      fromJsonItem(item, bytes);
    }
  }
  for (const item of Items) {
    fromJsonItem(item, bytes);
  }
  for (const table in Responses) {
    for (const item of listIn(Responses, table)) {
      fromJsonItem(item, bytes);
    }
  }
  for (const table in UnprocessedKeys) {
    for (const key of listIn((UnprocessedKeys as Record<string, object>)[table] ?? {}, "Keys")) {
      fromJsonItem(key, bytes);
    }
  }
  return answer as object;
}

/** The parts of an answer to any of the operations, as checkAnswer leaves them. */
interface JsonAnswer {
  Item?: unknown;
  Attributes?: unknown;
  LastEvaluatedKey?: unknown;
  Items?: unknown[];
  Responses?: object;
  UnprocessedKeys?: object;
}

function listIn(holder: object, name: string): unknown[] {
  const list = (holder as Record<string, unknown>)[name];
  if (!Array.isArray(list)) {
    throw new ForeignAnswerError(200, "a list is missing in it");
  }
  return list;
}

/** Precedes base64 in an answer. Cannot occur within a string, where quotes are escaped. */
const bytesStart = Buffer.from('"B":"');
const quote = 0x22;

/**
 * Takes the bytes out of an answer before its text is made and parsed, and leaves their places in the list: they are most of it,
 * and need no parser. Where an engine writes them in another way, with spaces before them or escapes in them, they stay in.
 */
function takeBytes(body: Buffer): { text: string; bytes: TakenBytes } {
  const bytes: TakenBytes = [];
  let text = "";
  let from = 0;
  for (;;) {
    const found = body.indexOf(bytesStart, from);
    const start = found + bytesStart.length;
    const end = found === -1 ? -1 : body.indexOf(quote, start);
    if (end === -1) {
      return { text: text + body.toString("utf8", from), bytes };
    }
    const decoded = Buffer.allocUnsafe(Math.ceil((end - start) / 4) * 3);
    const length = decodeBase64(body, start, end, decoded, 0);
    if (length === -1) {
      text += body.toString("utf8", from, end);
      from = end;
    } else {
      text += body.toString("utf8", from, start - 1) + bytes.length;
      bytes.push(decoded.subarray(0, length));
      from = end + 1;
    }
  }
}

/** The parser's message would quote the answer, values included. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parts of an error, in whatever form they come. */
interface JsonError {
  readonly __type?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly Message?: unknown;
  readonly Item?: unknown;
  readonly ThrottlingReasons?: unknown;
  readonly throttlingReasons?: unknown;
}

/** With what is known of DynamoDB's errors, and nothing else that an answer may hold: an error can end in a log. */
function readError({ status, body, requestId, errorType }: HttpAnswer): Error {
  const parsed = parse(body.toString("utf8"));
  const json: JsonError = isObject(parsed) ? parsed : {};
  const message = json.message ?? json.Message;
  const { ThrottlingReasons, throttlingReasons } = json;
  const item = readItem(json.Item);
  return Object.assign(new Error(typeof message === "string" ? message : ""), {
    name: nameOf(json.__type) ?? nameOf(codeOf(json)) ?? nameOf(errorType) ?? "UnknownError",
    $metadata: { httpStatusCode: status, requestId: readRequestId(requestId) },
    ...(item === undefined ? {} : { Item: item }),
    ...(ThrottlingReasons === undefined ? {} : { ThrottlingReasons }),
    ...(throttlingReasons === undefined ? {} : { throttlingReasons }),
  });
}

/** The old item of a condition that failed. Without one it is read. */
function readItem(json: unknown): object | undefined {
  try {
    return json === undefined ? undefined : fromJsonItem(json, []);
  } catch {
    return undefined;
  }
}

/** The SDK takes it in any case of letters. */
function codeOf(json: object): unknown {
  const key = Object.keys(json).find((each) => each.toLowerCase() === "code");
  return key === undefined ? undefined : (json as Record<string, unknown>)[key];
}

/** Such as `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`, with `:http://…` or `,…` after it, or a number. */
function nameOf(type: unknown): string | undefined {
  if (typeof type !== "string" && typeof type !== "number") {
    return undefined;
  }
  const [beforeComma = ""] = String(type).split(",", 1);
  const [beforeColon = ""] = beforeComma.split(":", 1);
  return beforeColon.slice(beforeColon.indexOf("#") + 1) || undefined;
}

/** AWS's have 52 letters and digits, and other engines UUIDs. Anything else might be made to break a log. */
function readRequestId(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w-]{1,128}$/.test(text) ? text : undefined;
}
