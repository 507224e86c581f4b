import { randomUUID } from "node:crypto";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { decodeUtf8 } from "../../../../common/decode-utf8.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, invalidField } from "../../errors/dynakv-error.js";

/**
 * Holds a request in JSON to ProtoJSON (https://protobuf.dev/programming-guides/json/) where JSON.parse and protobuf-es are lenient, so
 * that nothing else is stored, read or added than what was asked for: JSON.parse rounds large integers and takes the last of two
 * fields of one name, decoders put U+FFFD in the place of what is not UTF-8, and BigInt, Date and base64 decoders take spellings that
 * ProtoJSON does not have.
 *
 * @returns the document, with numbers that JSON.parse would round put in quotes: fields of 64 bits take those exactly, and others refuse
 * them
 * @throws DynakvError INVALID_FIELD
 */
export function toExactJson(bytes: Uint8Array, schema: DescMessage): string {
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    // A replacement character in its place would make one key of many.
    throw new DynakvError(ErrorReason.INVALID_FIELD, "the JSON is not UTF-8");
  }
  const inexact = findInexactNumbers(text);
  let value: unknown;
  try {
    value = JSON.parse(quoted(text, inexact, numberMark));
  } catch {
    // The decoder reports the problem.
    return text;
  }
  const quotable = checkMessage(schema, value, "");
  if (quotable !== inexact.length) {
    throw new DynakvError(ErrorReason.INVALID_FIELD, "the JSON has a number that is out of range or not exact");
  }
  return quoted(text, inexact, "");
}

/** Tells a number that was put in quotes from a string, which cannot begin so: nobody else knows it. */
const numberMark = `${randomUUID()} `;

/** The places of numbers in a text: from and to. */
type Places = readonly (readonly [number, number])[];

function quoted(text: string, places: Places, mark: string): string {
  let result = "";
  let copied = 0;
  for (const [from, to] of places) {
    result += `${text.slice(copied, from)}"${mark}${text.slice(from, to)}"`;
    copied = to;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** More than any message of the schema's has: what is deeper, or has more fields, is made to cost. */
const maxDepth = 100;
const maxNames = 1000;
const maxTokens = 100_000;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;
const comma = 0x2c;

/**
 * The numbers that JSON.parse would round. Also refuses an object with two fields of one name. What is no JSON is left for JSON.parse to
 * refuse.
 */
function findInexactNumbers(text: string): Places {
  const found: [number, number][] = [];
  /** The names of the fields of each object that is open; undefined for a list, and for an object that has none yet. */
  const names: (Set<string> | undefined)[] = [];
  let tokens = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote || code === comma || code === openBrace || code === openBracket || isNumberStart(code)) {
      tokens++;
      if (tokens > maxTokens) {
        throw new DynakvError(
          ErrorReason.INVALID_FIELD,
          `the JSON has more than ${maxTokens} strings, numbers and other parts; protobuf takes more`,
        );
      }
    }
    if (code === quote) {
      const end = endOfString(text, index);
      if (text.charCodeAt(skipSpace(text, end + 1)) === colon) {
        names[names.length - 1] = withName(names.at(-1), text.slice(index, end + 1));
      }
      index = end;
    } else if (code === openBrace || code === openBracket) {
      names.push(undefined);
      if (names.length > maxDepth) {
        throw new DynakvError(ErrorReason.INVALID_FIELD, `the JSON is nested more than ${maxDepth} deep`);
      }
    } else if (code === closeBrace || code === closeBracket) {
      names.pop();
    } else if (isNumberStart(code)) {
      const end = endOfNumber(text, index);
      if (!isExact(text.slice(index, end)) && text.charCodeAt(skipSpace(text, end)) !== colon) {
        found.push([index, end]);
      }
      index = end - 1;
    }
  }
  return found;
}

/** The index of the quote that ends the string which begins at `start`; past the text for one that does not end. */
function endOfString(text: string, start: number): number {
  const first = text.indexOf('"', start + 1);
  if (first === -1) {
    return text.length;
  }
  if (text.charCodeAt(first - 1) !== backslash) {
    return first;
  }
  for (let end = start + 1; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === quote) {
      return end;
    }
    if (code === backslash) {
      end++;
    }
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (isSpace(text.charCodeAt(index))) {
    index++;
  }
  return index;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function withName(names: Set<string> | undefined, quotedName: string): Set<string> {
  const name = quotedName.includes("\\") ? unescapeName(quotedName) : quotedName;
  if (names === undefined) {
    return new Set([name]);
  }
  if (names.has(name)) {
    throw new DynakvError(ErrorReason.INVALID_FIELD, "the JSON has an object with a duplicate field");
  }
  if (names.size >= maxNames) {
    throw new DynakvError(ErrorReason.INVALID_FIELD, `the JSON has an object with more than ${maxNames} fields`);
  }
  return names.add(name);
}

function unescapeName(quoted: string): string {
  try {
    return JSON.stringify(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** A digit, or a minus. */
function isNumberStart(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d;
}

function endOfNumber(text: string, start: number): number {
  const pattern = /[\d.eE+-]*/y;
  pattern.lastIndex = start;
  return start + (pattern.exec(text)?.[0].length ?? 1);
}

/** As many decimal digits as every one of them survives a double. */
const exactDigits = 15;

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function isExact(number: string): boolean {
  if (number.length <= exactDigits && !/[eE]/.test(number)) {
    return true;
  }
  // JSON.parse rejects non-numbers, and the field's decoder non-integers.
  if (!numberPattern.test(number)) {
    return true;
  }
  const value = Number(number);
  return String(value) === number || (Number.isSafeInteger(value) && isShort(number));
}

function isShort(number: string): boolean {
  return (number.split(/[eE]/)[0] ?? "").replaceAll(/\D/g, "").length <= exactDigits;
}

/** Returns how many of the numbers that were put in quotes stand in fields of 64 bits, which take them so. */
function checkMessage(schema: DescMessage, value: unknown, path: string): number {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return 0;
  }
  let quotable = 0;
  for (const [name, fieldValue] of Object.entries(value)) {
    const field = schema.fields.find((each) => each.jsonName === name || each.name === name);
    if (field !== undefined && fieldValue !== null) {
      quotable += checkField(field, fieldValue, path === "" ? field.name : `${path}.${field.name}`);
    }
  }
  return quotable;
}

function checkField(field: DescField, value: unknown, path: string): number {
  if (field.fieldKind === "map") {
    return checkMap(field, value, path);
  }
  if (field.fieldKind !== "list") {
    return checkSingle(field.scalar, field.message, value, path);
  }
  let quotable = 0;
  for (const item of Array.isArray(value) ? value : []) {
    quotable += checkSingle(field.scalar, field.message, item, path);
  }
  return quotable;
}

/** JSON has the keys of a map as names: those of integers are held to how an integer is written. */
function checkMap(field: DescField & { readonly fieldKind: "map" }, value: unknown, path: string): number {
  let quotable = 0;
  for (const [name, item] of Object.entries(typeof value === "object" && value !== null ? value : {})) {
    if (field.mapKey !== ScalarType.STRING && field.mapKey !== ScalarType.BOOL && !integer.isValid(name)) {
      throw invalidField(ErrorReason.INVALID_FIELD, path, "not as the schema has it");
    }
    quotable += item === null ? 0 : checkSingle(field.scalar, field.message, item, path);
  }
  return quotable;
}

function checkSingle(
  scalar: ScalarType | undefined,
  message: DescMessage | undefined,
  value: unknown,
  path: string,
): number {
  if (typeof value !== "string") {
    const isOurs = message !== undefined && !message.typeName.startsWith("google.protobuf.");
    return isOurs ? checkMessage(message, value, path) : 0;
  }
  const check = scalar === undefined ? wellKnownTypes[message?.typeName ?? ""] : scalars[scalar];
  const isNumber = value.startsWith(numberMark);
  const text = isNumber ? value.slice(numberMark.length) : value;
  if (check !== undefined && ((isNumber && check !== integer) || !check.isValid(text))) {
    throw invalidField(ErrorReason.INVALID_FIELD, path, `not ${check.what}`);
  }
  return isNumber && check === integer ? 1 : 0;
}

/** The format that a field's type demands of strings. */
interface StringCheck {
  readonly what: string;
  isValid(text: string): boolean;
}

const integer: StringCheck = {
  what: "an integer of 64 bits in decimal digits",
  isValid: (text) => /^-?(0|[1-9]\d{0,19})$/.test(text),
};

const scalars: Readonly<Partial<Record<ScalarType, StringCheck>>> = {
  [ScalarType.INT64]: integer,
  [ScalarType.UINT64]: integer,
  [ScalarType.SINT64]: integer,
  [ScalarType.FIXED64]: integer,
  [ScalarType.SFIXED64]: integer,
  [ScalarType.BYTES]: {
    what: "base64, in the standard or the URL-safe alphabet",
    isValid: isBase64,
  },
  // Half of a surrogate pair has no form in UTF-8.
  [ScalarType.STRING]: { what: "UTF-8: it has a lone surrogate", isValid: (text) => text.isWellFormed() },
};

const wellKnownTypes: Readonly<Record<string, StringCheck>> = {
  "google.protobuf.Timestamp": { what: "a time in RFC 3339, such as 2030-01-31T12:00:00Z", isValid: isTimestamp },
  "google.protobuf.Duration": {
    what: "a duration in seconds, such as 90s or 1.5s",
    isValid: (text) => /^-?\d{1,12}(\.\d{1,9})?s$/.test(text),
  },
};

/** With or without padding, of one alphabet, and without anything between. */
function isBase64(text: string): boolean {
  const unpadded = text.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  if (unpadded % 4 === 1 || (unpadded < text.length && text.length % 4 !== 0)) {
    return false;
  }
  const body = unpadded === text.length ? text : text.slice(0, unpadded);
  return /^[A-Za-z0-9+/]*$/.test(body) || /^[A-Za-z0-9_-]*$/.test(body);
}

const timestamp =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

function isTimestamp(text: string): boolean {
  const day = timestamp.exec(text)?.[1];
  if (day === undefined) {
    return false;
  }
  // Date makes 2 March of 31 February.
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}
