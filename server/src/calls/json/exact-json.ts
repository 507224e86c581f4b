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
  const json = quoteInexactNumbers(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Who decodes the message tells what is wrong with it.
    return json;
  }
  checkMessage(schema, value, "");
  return json;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const colon = 0x3a;

/** Also refuses an object with two fields of one name. What is no JSON comes out as it is, or nearly so, for JSON.parse to refuse. */
function quoteInexactNumbers(text: string): string {
  let exact = "";
  let copied = 0;
  /** The names of the fields of each object that is open. */
  const names: Set<string>[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      const end = endOfString(text, index);
      if (text.charCodeAt(skipSpace(text, end + 1)) === colon) {
        addName(names.at(-1), text.slice(index, end + 1));
      }
      index = end;
    } else if (code === openBrace) {
      names.push(new Set());
    } else if (code === closeBrace) {
      names.pop();
    } else if (isNumberStart(code)) {
      const end = endOfNumber(text, index);
      const number = text.slice(index, end);
      if (!isExact(number)) {
        exact += `${text.slice(copied, index)}"${number}"`;
        copied = end;
      }
      index = end - 1;
    }
  }
  return copied === 0 ? text : exact + text.slice(copied);
}

/** The index of the quote that ends the string which begins at `start`; past the text for one that does not end. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) {
      escapes++;
    }
    if (escapes % 2 === 0) {
      return end;
    }
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (" \t\r\n".includes(text.charAt(index)) && index < text.length) {
    index++;
  }
  return index;
}

function addName(names: Set<string> | undefined, quoted: string): void {
  const name = quoted.includes("\\") ? unescapeName(quoted) : quoted;
  if (names?.has(name)) {
    throw new DynakvError(ErrorReason.INVALID_FIELD, "the JSON has an object with two fields of one name");
  }
  names?.add(name);
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

function isExact(number: string): boolean {
  if (number.length <= exactDigits && !/[eE]/.test(number)) {
    return true;
  }
  const value = Number(number);
  // What is no number is for JSON.parse to refuse, and what is no integer for the field.
  return Number.isNaN(value) || String(value) === number || (Number.isSafeInteger(value) && isShort(number));
}

function isShort(number: string): boolean {
  return (number.split(/[eE]/)[0] ?? "").replaceAll(/\D/g, "").length <= exactDigits;
}

function checkMessage(schema: DescMessage, value: unknown, path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return;
  }
  for (const [name, fieldValue] of Object.entries(value)) {
    const field = schema.fields.find((each) => each.jsonName === name || each.name === name);
    if (field !== undefined && fieldValue !== null) {
      checkField(field, fieldValue, path === "" ? field.name : `${path}.${field.name}`);
    }
  }
}

function checkField(field: DescField, value: unknown, path: string): void {
  if (field.fieldKind === "list") {
    for (const item of Array.isArray(value) ? value : []) {
      checkSingle(field.scalar, field.message, item, path);
    }
  } else if (field.fieldKind !== "map") {
    checkSingle(field.scalar, field.message, value, path);
  }
}

function checkSingle(
  scalar: ScalarType | undefined,
  message: DescMessage | undefined,
  value: unknown,
  path: string,
): void {
  const check = scalar === undefined ? wellKnownTypes[message?.typeName ?? ""] : scalars[scalar];
  if (check !== undefined && typeof value === "string") {
    if (!check.isValid(value)) {
      throw invalidField(ErrorReason.INVALID_FIELD, path, `not ${check.what}`);
    }
  } else if (message !== undefined && !message.typeName.startsWith("google.protobuf.")) {
    checkMessage(message, value, path);
  }
}

/** What a string has to be for fields of a type. */
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
  [ScalarType.STRING]: { what: "UTF-8: it has half of a surrogate pair", isValid: (text) => text.isWellFormed() },
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
