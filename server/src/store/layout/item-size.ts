/** DynamoDB's limit of an item, with its attribute names (Developer Guide, "Constraints": 400 KB). */
export const maxItemBytes = 409_600;

/** DynamoDB's limit of a partition key. */
export const maxKeyBytes = 2048;

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
