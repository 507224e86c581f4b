import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { ForeignAnswerError, isObject } from "./answer-shape.js";
import type { Item } from "./item.js";

/** An attribute as DynamoDB's JSON has it: the same, but for bytes, which are base64, or a place in a list of their own. */
interface JsonAttribute {
  B?: string | number;
  BS?: string[];
  L?: JsonAttribute[];
  M?: JsonItem;
}

/** An item, as JSON.parse makes it of an answer and JSON.stringify takes it for a request. */
export type JsonItem = Record<string, JsonAttribute>;

/** Bytes that are put into a request later, in their order, where the marker stands for each. */
export interface LargeBytes {
  readonly marker: string;
  readonly bytes: Uint8Array[];
}

/** So many bytes are large. */
const largeFrom = 4096;

/** An item for a request. Only attributes with bytes in them are copied. */
export function toJsonItem(item: Item, large: LargeBytes): JsonItem {
  const json: JsonItem = {};
  for (const name in item) {
    json[name] = toJsonAttribute(item[name] as AttributeValue, large);
  }
  return json;
}

function toJsonAttribute(attribute: AttributeValue, large: LargeBytes): JsonAttribute {
  if (attribute.B !== undefined) {
    if (attribute.B.length < largeFrom) {
      return { B: toBase64(attribute.B) };
    }
    large.bytes.push(attribute.B);
    return { B: large.marker };
  }
  if (attribute.M !== undefined) {
    return { M: toJsonItem(attribute.M, large) };
  }
  if (attribute.L !== undefined) {
    return { L: attribute.L.map((each) => toJsonAttribute(each, large)) };
  }
  if (attribute.BS !== undefined) {
    return { BS: attribute.BS.map(toBase64) };
  }
  return attribute as JsonAttribute;
}

/**
 * The item in an answer whose bytes were taken out. The one that was parsed is changed into it: nobody else has it.
 *
 * @param bytes those that were taken out; each is left undefined once it has its place, so that nothing gets another's
 * @throws ForeignAnswerError when it is no item
 */
export function fromJsonItem(json: unknown, bytes: TakenBytes): Item {
  if (!isObject(json)) {
    throw malformed();
  }
  for (const name in json) {
    changeAttribute(json[name], bytes);
  }
  return json as unknown as Item;
}

/** Bytes that were taken out of JSON, where a number stands for each. */
export type TakenBytes = (Uint8Array | undefined)[];

function changeAttribute(attribute: unknown, bytes: TakenBytes): void {
  if (!isObject(attribute)) {
    throw malformed();
  }
  let types = 0;
  for (const type in attribute) {
    types++;
    changeValue(attribute, type, attribute[type], bytes);
  }
  if (types !== 1) {
    throw malformed();
  }
}

/** A type that is not known here is left as it is: AWS may add one, and others may use it in a table of ours. */
function changeValue(attribute: Record<string, unknown>, type: string, value: unknown, bytes: TakenBytes): void {
  switch (type) {
    case "S":
    case "N":
      check(typeof value === "string");
      break;
    case "B":
      check(typeof value === "string" || typeof value === "number");
      attribute.B = typeof value === "number" ? place(value, bytes) : fromBase64(value as string);
      break;
    case "BOOL":
    case "NULL":
      check(typeof value === "boolean");
      break;
    case "SS":
    case "NS":
      check(isTextList(value));
      break;
    case "BS":
      check(isTextList(value));
      attribute.BS = (value as string[]).map(fromBase64);
      break;
    case "L":
      check(Array.isArray(value));
      for (const each of value as unknown[]) {
        changeAttribute(each, bytes);
      }
      break;
    case "M":
      fromJsonItem(value, bytes);
      break;
  }
}

function check(holds: boolean): void {
  if (!holds) {
    throw malformed();
  }
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function place(index: number, bytes: TakenBytes): Uint8Array {
  const taken = bytes[index];
  if (taken === undefined) {
    throw malformed();
  }
  bytes[index] = undefined;
  return taken;
}

/** @throws ForeignAnswerError when it is not base64; Buffer would leave out what it cannot read */
export function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (
    text.length % 4 !== 0 ||
    bytes.length !== (text.length / 4) * 3 - padding ||
    // Buffer takes these for + and /.
    text.includes("-") ||
    text.includes("_")
  ) {
    throw malformed();
  }
  return bytes;
}

/** A multiple of four. The text of more would be an object of its own page in V8's heap. */
const step = 32_768;
const backslash = 0x5c;

/**
 * Decodes base64 within an answer, to wherever, also to where it lies. Returns where the bytes end; -1 for base64 with JSON's escapes in
 * it, of which nothing is decoded.
 *
 * @throws ForeignAnswerError when it is not base64
 */
export function decodeBase64(source: Buffer, from: number, to: number, target: Buffer, start: number): number {
  if (to - from > step && source.subarray(from, to).includes(backslash)) {
    return -1;
  }
  let at = start;
  for (let next = from; next < to; next += step) {
    const text = source.toString("latin1", next, Math.min(to, next + step));
    if (text.includes("\\")) {
      return -1;
    }
    const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
    const length = (text.length / 4) * 3 - padding;
    const isWhole = text.length % 4 === 0 && (padding === 0 || next + step >= to);
    if (!isWhole || text.includes("-") || text.includes("_") || target.write(text, at, "base64") !== length) {
      throw malformed();
    }
    at += length;
  }
  return at;
}

/** Decodes base64 where it lies: see {@link decodeBase64}. */
export function decodeBase64InPlace(body: Buffer, from: number, to: number): number {
  return decodeBase64(body, from, to, body, from);
}

function malformed(): ForeignAnswerError {
  return new ForeignAnswerError(200, "an item in it is malformed");
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
