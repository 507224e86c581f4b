import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** DynamoDB's limit of an item, with its attribute names (Developer Guide, "Constraints": 400 KB). */
export const maxItemBytes = 409_600;

/** DynamoDB's limit of a partition key. */
export const maxKeyBytes = 2048;

/**
 * Size of an attribute's value by DynamoDB's rules, in bytes: a list or a map has 3, and one for each of its elements (Developer
 * Guide, "DynamoDB item sizes and formats").
 */
export function valueBytes(value: AttributeValue): number {
  const { S, N, B, SS, NS, BS, M, L } = value;
  const sum = <T>(all: readonly T[], of: (each: T) => number) => all.reduce((bytes, each) => bytes + of(each), 0);
  if (M !== undefined) {
    return 3 + sum(Object.entries(M), ([name, each]) => 1 + Buffer.byteLength(name) + valueBytes(each));
  }
  if (L !== undefined) {
    return 3 + sum(L, (each) => 1 + valueBytes(each));
  }
  const texts = S === undefined ? (SS ?? []) : [S];
  const numbers = N === undefined ? (NS ?? []) : [N];
  const bytes = B === undefined ? (BS ?? []) : [B];
  const size = sum(texts, Buffer.byteLength) + sum(numbers, numberBytes) + sum(bytes, (each) => each.length);
  // NULL and BOOL.
  return texts.length + numbers.length + bytes.length === 0 ? 1 : size;
}

/**
 * Size of a number by DynamoDB's rules: a byte, and one for each two significant digits, counted in pairs from the decimal
 * point (Developer Guide, "DynamoDB item sizes and formats"); one more for a sign.
 */
export function numberBytes(text: string): number {
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = (negative ? text.slice(1) : text).split(".");
  const pairs =
    (whole.length % 2 === 1 ? `0${whole}` : whole) + (fraction.length % 2 === 1 ? `${fraction}0` : fraction);
  const significant = pairs.replace(/^(00)+/, "").replace(/(00)+$/, "");
  return 1 + significant.length / 2 + (negative ? 1 : 0);
}
