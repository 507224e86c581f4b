import { isAscii, isUtf8 } from "node:buffer";
import { type DescField, fromBinary } from "@bufbuild/protobuf";

/** A message in protobuf without the elements of its list, and these. */
export interface DecodedList {
  readonly elements: readonly unknown[];
  readonly rest: Uint8Array;
}

/** So many elements, or bytes of short strings, are decoded before others are looked after. */
const elementsPerStep = 64;
const runBytes = 16_384;

/**
 * Decodes the list of a message in small steps, which protobuf-es does in one go: a million keys hold the event loop for a third of a
 * second.
 *
 * @throws what is malformed or not UTF-8, which is the same to the caller
 */
export function* decodeList(bytes: Buffer, list: DescField): Generator<void, DecodedList> {
  const elements: unknown[] = [];
  const rest: Uint8Array[] = [];
  let at = 0;

  function varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) {
        break;
      }
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        return value;
      }
    }
    throw new Error("malformed");
  }

  /** Moves on by what the decoder has read, or may not read. */
  function skip(length: number): number {
    at += length;
    if (at > bytes.length) {
      throw new Error("malformed");
    }
    return at;
  }

  const listTag = list.number * 8 + 2;
  while (at < bytes.length) {
    const run = list.message === undefined && listTag < 0x80 ? readRun(bytes, at, listTag) : undefined;
    if (run !== undefined) {
      elements.push(...run.strings);
      at = run.end;
      yield;
      continue;
    }
    const start = at;
    const tag = varint();
    if (tag === listTag) {
      const length = varint();
      const from = at;
      elements.push(decodeElement(bytes, from, skip(length), list));
      if (elements.length % elementsPerStep === 0) {
        yield;
      }
      continue;
    }
    switch (tag % 8) {
      case 0:
        varint();
        break;
      case 1:
        skip(8);
        break;
      case 2:
        skip(varint());
        break;
      case 5:
        skip(4);
        break;
      default:
        // A group, which no schema of these days has.
        throw new Error("malformed");
    }
    rest.push(bytes.subarray(start, at));
  }
  return { elements, rest: Buffer.concat(rest) };
}

/**
 * Short strings that stand one after another, as those of a long list nearly always do. Those of ASCII are read as one text and cut,
 * which costs a part of decoding each. Undefined where the next is no short one.
 */
function readRun(
  bytes: Buffer,
  start: number,
  listTag: number,
): { readonly strings: readonly string[]; readonly end: number } | undefined {
  const last = Math.min(bytes.length, start + runBytes);
  let end = start;
  while (end + 1 < last && bytes[end] === listTag && (bytes[end + 1] as number) < 0x80) {
    end += 2 + (bytes[end + 1] as number);
  }
  if (end === start || end > bytes.length) {
    return undefined;
  }
  const text = isAscii(bytes.subarray(start, end)) ? bytes.toString("latin1", start, end) : undefined;
  const strings: string[] = [];
  for (let at = start; at < end; ) {
    const from = at + 2;
    at = from + (bytes[at + 1] as number);
    strings.push(text === undefined ? decodeString(bytes, from, at) : text.slice(from - start, at - start));
  }
  return { strings, end };
}

function decodeElement(bytes: Buffer, from: number, to: number, list: DescField): unknown {
  if (list.message !== undefined) {
    return fromBinary(list.message, bytes.subarray(from, to));
  }
  return decodeString(bytes, from, to);
}

function decodeString(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString("utf8", from, to);
  // Invalid bytes decode to U+FFFD, which the text may also contain.
  if (text.includes("\uFFFD") && !isUtf8(bytes.subarray(from, to))) {
    throw new Error("not UTF-8");
  }
  return text;
}
