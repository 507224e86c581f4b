import { randomBytes } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";

/** The one large field of bytes of an answer, which is put into its JSON by itself. */
export interface LargeBytes {
  readonly bytes: Uint8Array;
  /** What stands in its place until then, in base64. */
  readonly placeholder: string;
}

/** Fewer are encoded with the rest. */
const leastBytes = 16_384;
/** Nobody can guess it, so no answer holds it but in its place. */
const placeholderBytes = 24;
/** Encoded at a time, of which the strings are short-lived and small. A multiple of three, so that no padding comes in between. */
const pieceBytes = 12_288;

/**
 * Takes a large field of bytes out of an answer that is to be JSON, and puts a placeholder in its place: encoded with the rest, it would be
 * copied into strings twice, each as large as all of it, of which the heap is not cleaned in passing.
 */
export function cutOutLargeBytes(message: Message): LargeBytes | undefined {
  const place = findLargeBytes(message as unknown as Fields);
  if (place === undefined) {
    return undefined;
  }
  const [owner, name] = place;
  const bytes = owner[name] as Uint8Array;
  const placeholder = randomBytes(placeholderBytes);
  owner[name] = placeholder;
  return { bytes, placeholder: placeholder.toString("base64") };
}

/** Puts them back, in base64, into the JSON of the answer. One that does not hold the placeholder, such as an error, is returned as it is. */
export function putLargeBytes(json: Uint8Array, { bytes, placeholder }: LargeBytes): Uint8Array {
  const rest = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const start = rest.indexOf(placeholder, 0, "latin1");
  if (start < 0) {
    return json;
  }
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = Buffer.allocUnsafeSlow(rest.length - placeholder.length + Math.ceil(value.length / 3) * 4);
  rest.copy(whole, 0, 0, start);
  let at = start;
  for (let from = 0; from < value.length; from += pieceBytes) {
    at += whole.write(value.toString("base64", from, Math.min(value.length, from + pieceBytes)), at, "latin1");
  }
  rest.copy(whole, at, start + placeholder.length);
  return whole;
}

type Fields = Record<string, unknown>;

/** The field, and the message that has it. */
function findLargeBytes(fields: Fields): readonly [owner: Fields, name: string] | undefined {
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Uint8Array) {
      if (value.length >= leastBytes) {
        return [fields, name];
      }
    } else if (typeof value === "object" && value !== null) {
      const found = findLargeBytes(value as Fields);
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}
