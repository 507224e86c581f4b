import { createHash } from "node:crypto";
import { withoutLeadingDash } from "../../../../common/leading-dash.js";

/** The id of an increment, a UUID of version 7, taken apart: docs/exactly-once.md. */
export interface RequestId {
  /** Who sends: the second half of the UUID, as the name of the writer's slot. */
  readonly writer: string;
  /** Orders the requests of a writer: the first half, without the digit of the version. */
  readonly sequence: bigint;
}

/** The parts of a UUID of version 7; undefined for any other text. */
export function parseRequestId(text: string): RequestId | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7([\da-f]{3})-([89ab][\da-f]{3})-([\da-f]{12})$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, high, middle, low, variant, node] = match;
  return {
    writer: Buffer.from(`${variant}${node}`, "hex").toString("base64url"),
    sequence: BigInt(`0x${high}${middle}${low}`),
  };
}

/** The milliseconds since the epoch in the upper 48 bits of a sequence. */
export function timeOf(sequence: bigint): number {
  return Number(sequence >> 12n);
}

/** The nonce for the etag of what a request writes: the same each time, so that a repetition can tell the original etag. */
export function nonceOf({ writer, sequence }: RequestId): string {
  return withoutLeadingDash(createHash("sha256").update(`${writer}${sequence}`).digest("base64url").slice(0, 16));
}
