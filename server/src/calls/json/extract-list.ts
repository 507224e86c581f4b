import { isUtf8 } from "node:buffer";
import type { DescField } from "@bufbuild/protobuf";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, invalidField } from "../../errors/dynakv-error.js";

/** A document of JSON with an empty list in the place of one that was taken out. */
export interface ExtractedList {
  readonly elements: readonly string[];
  readonly rest: Uint8Array;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const closeBracket = 0x5d;

/** So many bytes are parsed in one go. */
const partBytes = 16_384;

/**
 * Takes a list of strings out of an object in JSON, in small steps. JSON.parse takes all of a document in one go, and the list may have a million
 * elements.
 *
 * @returns undefined when the document has no such list that is easily found: one that is not named in plain characters, or is not
 * a list
 * @throws DynakvError INVALID_FIELD where the list is no list of well-formed strings, or too long
 */
export function* extractJsonList(
  bytes: Uint8Array,
  list: DescField,
  maxElements: number,
): Generator<void, ExtractedList | undefined> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = findList(text, list.jsonName);
  if (start === undefined) {
    return undefined;
  }
  const malformed = () => invalidField(ErrorReason.INVALID_FIELD, list.name, "not as the schema has it");
  const elements: string[] = [];

  /** Elements from one place to another, with the commas between them. */
  function parse(from: number, to: number): void {
    const part = text.subarray(from, to);
    if (!isUtf8(part)) {
      throw new DynakvError(ErrorReason.INVALID_FIELD, "the JSON is not UTF-8");
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(`[${part.toString("utf8")}]`);
    } catch {
      throw malformed();
    }
    for (const element of parsed as unknown[]) {
      if (typeof element !== "string") {
        throw malformed();
      }
      if (!element.isWellFormed()) {
        throw invalidField(ErrorReason.INVALID_FIELD, list.name, "not UTF-8: it has a lone surrogate");
      }
      elements.push(element);
    }
    if (elements.length > maxElements) {
      const problem = `more than ${maxElements} ${list.name}, which is the limit`;
      throw invalidField(ErrorReason.INVALID_FIELD, list.name, problem);
    }
  }

  let at = start;
  let partStart = start;
  for (;;) {
    const byte = text[at];
    if (byte === quote) {
      at = endOfString(text, at) + 1;
    } else if (byte === closeBracket) {
      parse(partStart, at);
      break;
    } else if (byte === comma && at - partStart >= partBytes) {
      parse(partStart, at);
      yield;
      at++;
      partStart = at;
      // An element must follow.
      if (text[skipSpace(text, at)] === closeBracket) {
        throw malformed();
      }
    } else if (byte === comma || isSpace(byte)) {
      at++;
      if (at % partBytes === 0) {
        yield;
      }
    } else {
      throw malformed();
    }
  }
  return { elements, rest: Buffer.concat([text.subarray(0, start), text.subarray(at)]) };
}

/** It is looked for no further: what else a request has is short. */
const maxBytesBefore = 65_536;

/** Offset of the elements of a top-level list field. */
function findList(text: Buffer, name: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < Math.min(text.length, maxBytesBefore); at++) {
    const byte = text[at];
    if (byte === quote) {
      const end = endOfString(text, at);
      const isName = depth === 1 && text.toString("latin1", at + 1, end) === name;
      at = end;
      const colon = isName ? skipSpace(text, at + 1) : -1;
      if (isName && text[colon] === 0x3a) {
        const open = skipSpace(text, colon + 1);
        return text[open] === 0x5b ? open + 1 : undefined;
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
    } else if (byte === 0x7d || byte === closeBracket) {
      depth--;
    }
  }
  return undefined;
}

function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(quote, start + 1); end !== -1; end = text.indexOf(quote, end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === backslash) {
      escapes++;
    }
    if (escapes % 2 === 0) {
      return end;
    }
  }
  return text.length;
}

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) {
    at++;
  }
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
