import { createHash } from "node:crypto";
import { withoutLeadingDash } from "../../../../common/leading-dash.js";

/** The id of an increment, a UUID of version 7, taken apart: docs/exactly-once.md. */
export interface RequestId {
  /** The second half of the UUID, in base64. */
  readonly writer: string;
  /** The first half, without the digit of the version: 48 bits of milliseconds, and 12 more. */
  readonly sequence: bigint;
  /**
   * True if this server has made it, for increments that come without one. Its writer then has one increment of a counter under
   * way at a time and nobody else ever sends its ids, so one slot in the counter's item does for all of them.
   */
  readonly isOwn: boolean;
}

/** The parts of a UUID of version 7; undefined for any other text. */
export function parseRequestId(text: string, isOwn = false): RequestId | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7([\da-f]{3})-([89ab][\da-f]{3})-([\da-f]{12})$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, high, middle, low, variant, node] = match;
  return {
    writer: Buffer.from(`${variant}${node}`, "hex").toString("base64url"),
    sequence: BigInt(`0x${high}${middle}${low}`),
    isOwn,
  };
}

/** The bytes of the UUID. */
export function bytesOf({ writer, sequence }: RequestId): Buffer {
  const bytes = Buffer.alloc(idBytes);
  bytes.writeBigUInt64BE(((sequence >> 12n) << 16n) | 0x7000n | (sequence & 0xfffn));
  bytes.write(writer, 8, "base64url");
  return bytes;
}

export const idBytes = 16;

/** The sequence in the bytes of a UUID. */
export function sequenceIn(bytes: Buffer): bigint {
  const high = bytes.readBigUInt64BE();
  return ((high >> 16n) << 12n) | (high & 0xfffn);
}

/** The milliseconds since the epoch in the upper 48 bits of a sequence. */
export function timeOf(sequence: bigint): number {
  return Number(sequence >> 12n);
}

/** The nonce for the etag of what a request writes: the same each time, so that a repetition can tell the original etag. */
export function nonceOf({ writer, sequence }: RequestId): string {
  return withoutLeadingDash(createHash("sha256").update(`${writer}${sequence}`).digest("base64url").slice(0, 16));
}
