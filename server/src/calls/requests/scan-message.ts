import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError, invalidField } from "../../errors/dynakv-error.js";

/** Incremental scan of a request message. */
export interface MessageScan {
  /** Estimated decoded size in bytes. */
  readonly decodedBytes: number;
  /** Reads on. Returns why the message is not to be decoded, whatever else comes. */
  add(chunk: Uint8Array): DynakvError | undefined;
}

/** The most fields of a message, and of each element of its list: far more than any request has, and decoded within milliseconds. */
const maxFields = 10_000;
/** Overhead of a field and of a string. */
const fieldBytes = 24;

/** The list of a request that may have very many elements: the keys of an MGet; undefined when it has none. */
export function listFieldOf(schema: DescMessage): DescField | undefined {
  return schema.fields.find(({ fieldKind }) => fieldKind === "list");
}

/** Fields within a message, up to where it ends. */
interface Level {
  readonly schema: DescMessage;
  readonly end: number;
}

/**
 * Counts the fields of a message in protobuf before it is decoded, which costs many times as much: two bytes make a field, and a
 * field makes an object. What is malformed is left to the decoder to refuse, which gets no further than this has.
 */
export function createMessageScan(schema: DescMessage, maxElements: number): MessageScan {
  const list = listFieldOf(schema);
  const levels: Level[] = [];
  let level: Level = { schema, end: Number.POSITIVE_INFINITY };
  /** The tag of an element of the list, where that is one byte and the element a string: 0 is none. */
  const elementTag = list !== undefined && list.number < 16 && list.message === undefined ? list.number * 8 + 2 : 0;
  /** Start of the current chunk, and the next byte. */
  let base = 0;
  let next = 0;
  /** The number that is being read, and what it is. */
  let value = 0;
  let scale = 1;
  let state: "tag" | "varint" | "length" = "tag";
  let fieldNumber = 0;
  let fieldsHere = 0;
  let fields = 0;
  let elements = 0;
  let isMalformed = false;

  function expect(number: typeof state): void {
    state = number;
    value = 0;
    scale = 1;
  }

  function onTag(): void {
    const wireType = value % 8;
    fieldNumber = (value - wireType) / 8;
    fieldsHere++;
    fields++;
    if (wireType === 0) {
      expect("varint");
    } else if (wireType === 2) {
      expect("length");
    } else {
      // The beginning and the end of a group have nothing of their own.
      next += wireType === 1 ? 8 : wireType === 5 ? 4 : 0;
      expect("tag");
    }
  }

  function onLength(): void {
    const isElement = levels.length === 0 && fieldNumber === list?.number;
    if (isElement) {
      elements++;
      fieldsHere = 0;
    }
    const message = level.schema.fields.find(({ number }) => number === fieldNumber)?.message;
    if (message !== undefined && value > 0) {
      // Its content is scanned as it arrives.
      levels.push(level);
      level = { schema: message, end: next + value };
    } else {
      next += value;
    }
    expect("tag");
  }

  /** Passes over short elements that lie in the chunk, one after another: what a long list is made of. */
  function passElements(chunk: Uint8Array): void {
    const last = chunk.length - 1;
    let at = next - base;
    let passed = 0;
    while (at < last && chunk[at] === elementTag) {
      const length = chunk[at + 1] as number;
      if (length >= 0x80) {
        break;
      }
      at += 2 + length;
      passed++;
    }
    if (passed > 0) {
      next = base + at;
      elements += passed;
      fields += passed;
      fieldsHere = 0;
    }
  }

  function onNumber(): void {
    switch (state) {
      case "tag":
        onTag();
        break;
      case "length":
        onLength();
        break;
      default:
        expect("tag");
    }
  }

  function tooMany(): DynakvError {
    const field = list?.name ?? "";
    return invalidField(ErrorReason.INVALID_FIELD, field, `more than ${maxElements} ${field}, which is the limit`);
  }

  return {
    get decodedBytes() {
      return next + fields * fieldBytes;
    },
    add(chunk) {
      const end = base + chunk.length;
      while (next < end && !isMalformed) {
        while (next >= level.end) {
          level = levels.pop() as Level;
        }
        if (state === "tag" && scale === 1 && levels.length === 0 && elementTag !== 0) {
          passElements(chunk);
          if (next >= end) {
            break;
          }
        }
        const byte = chunk[next++ - base] as number;
        value += (byte & 0x7f) * scale;
        scale *= 128;
        if (byte < 0x80) {
          onNumber();
        } else if (scale > 2 ** 70) {
          isMalformed = true;
        }
        if (elements > maxElements) {
          return tooMany();
        }
        if (fieldsHere > maxFields) {
          return new DynakvError(
            ErrorReason.INVALID_FIELD,
            `the request has a message of more than ${maxFields} fields`,
          );
        }
      }
      base = end;
      return elements > maxElements ? tooMany() : undefined;
    },
  };
}
