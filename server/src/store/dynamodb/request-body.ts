import { randomBytes } from "node:crypto";
import { type LargeBytes, toJsonItem } from "./attribute-json.js";
import type { Item } from "./item.js";
import { NeverSentError } from "./never-sent.js";

/** Binary members of an input, which JSON cannot hold. There are no bytes in keys, and none in what a scan asks for. */
interface WithBytes {
  readonly Item?: Item | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

/** Stands for bytes in the JSON. Nobody can know it, and so no text of a caller's is taken for it. */
const marker = randomBytes(24).toString("hex");
const markedText = `"${marker}"`;

/**
 * The body of a request. Large bytes go from base64 to their place in it, past the writer of JSON, which would look at each character
 * twice.
 *
 * @throws NeverSentError
 */
export function toRequestBody(input: object): Buffer {
  try {
    const large: LargeBytes = { marker, bytes: [] };
    const { Item, ExpressionAttributeValues } = input as WithBytes;
    const json =
      Item === undefined && ExpressionAttributeValues === undefined
        ? input
        : {
            ...input,
            ...(Item === undefined ? {} : { Item: toJsonItem(Item, large) }),
            ...(ExpressionAttributeValues === undefined
              ? {}
              : { ExpressionAttributeValues: toJsonItem(ExpressionAttributeValues, large) }),
          };
    const text = JSON.stringify(json);
    return large.bytes.length === 0 ? Buffer.from(text) : insertBytes(text, large.bytes);
  } catch (error) {
    throw new NeverSentError("preparing", error);
  }
}

function insertBytes(text: string, large: readonly Uint8Array[]): Buffer {
  const parts = text.split(markedText);
  let size = 0;
  for (const part of parts) {
    size += Buffer.byteLength(part);
  }
  for (const { length } of large) {
    size += Math.ceil(length / 3) * 4 + 2;
  }
  const body = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [place, part] of parts.entries()) {
    at += body.write(part, at);
    const bytes = large[place];
    if (bytes !== undefined) {
      body[at++] = quote;
      at = writeBase64(body, at, bytes);
      body[at++] = quote;
    }
  }
  if (parts.length !== large.length + 1 || at !== size) {
    throw new Error("the bytes of a request did not find their places");
  }
  return body;
}

const quote = 0x22;
/** A multiple of three. The text of more would be an object of its own page in V8's heap. */
const step = 24_576;

function writeBase64(body: Buffer, start: number, { buffer, byteOffset, byteLength }: Uint8Array): number {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  let at = start;
  for (let from = 0; from < byteLength; from += step) {
    at += body.write(bytes.toString("base64", from, from + step), at, "latin1");
  }
  return at;
}
