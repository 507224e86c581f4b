import { randomFillSync } from "node:crypto";
import { withoutLeadingDash } from "../../../../common/leading-dash.js";

/** A new etag for an entry that dynakv writes: 96 random bits. */
export function createNonce(): string {
  if (unusedFrom >= unused.length) {
    randomFillSync(unused);
    unusedFrom = 0;
  }
  const nonce = unused.toString("base64url", unusedFrom, unusedFrom + nonceBytes);
  unusedFrom += nonceBytes;
  return withoutLeadingDash(nonce);
}

const nonceBytes = 12;
/** Drawn for many at a time: a draw costs as much as several per cent of a Set. */
const unused = Buffer.alloc(nonceBytes * 128);
let unusedFrom = unused.length;

export const digestPrefix = "~";

/** Returns true if an etag is the digest of an item that dynakv did not write. */
export function isDigestEtag(etag: string): boolean {
  return etag.startsWith(digestPrefix);
}

/** The etag of a counter that dynakv has written. */
export function counterEtag(nonce: string, counter: bigint): string {
  return `${nonce}.${counter}`;
}

/** The parts of an etag that dynakv gave out, a nonce and for a counter the count; undefined for any other text. */
export function splitEtag(etag: string): { nonce: string; counter: string | undefined } | undefined {
  const match = /^([\w-]+)(?:\.(0|-?[1-9]\d{0,18}))?$/.exec(etag);
  return match === null ? undefined : { nonce: match[1] ?? "", counter: match[2] };
}
