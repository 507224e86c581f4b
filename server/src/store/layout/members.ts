import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** The members that a counter has counted, each as a hash of 56 bits, in a set of one attribute. */
export interface CountedMembers {
  readonly size: number;
  has(member: Uint8Array): boolean;
}

/** So many members one counter tells apart: 32 KB of its item. */
export const maxMembers = 4096;

const hashBytes = 8;

/**
 * A member as a counter remembers it. Of 4,096 members two are taken for one with a probability of 1 in 8 × 10⁹. Each counter
 * has hashes of its own, so that two which meet in one do not in the others.
 *
 * Each byte is one of ASCII: dynalite compares the elements of a binary set as text, in which all bytes that are no UTF-8 are the
 * same. Its `contains` then finds members that are not there, and their increments are refused for ever.
 */
export function hashMember(counterKey: string, member: string): Uint8Array {
  return createHash("sha256")
    .update(`${counterKey.length}/${counterKey}`)
    .update(member)
    .digest()
    .subarray(0, hashBytes)
    .map((byte) => byte & 0x7f);
}

export function readMembers(attribute: AttributeValue | undefined): CountedMembers {
  const hashes = attribute?.BS ?? [];
  return {
    size: hashes.length,
    has: (member) => hashes.some((hash) => Buffer.compare(hash, member) === 0),
  };
}
