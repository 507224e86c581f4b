import type { Item } from "../dynamodb/item.js";

/** Returns true if an entry with this expiry is gone: from the millisecond on that it names. */
export function isExpired(expireAtMs: number | undefined, nowMs: number): boolean {
  return expireAtMs !== undefined && expireAtMs <= nowMs;
}

/** The `ttl` attribute of an expiry: the whole epoch second at or after it. */
export function secondOf(expireAtMs: number): string {
  return Math.ceil(expireAtMs / 1000).toString();
}

/** Returns true if the second alone does not tell the expiry. */
export function isWithinSecond(expireAtMs: number | undefined): expireAtMs is number {
  return expireAtMs !== undefined && expireAtMs % 1000 !== 0;
}

/** The clauses of an update that sets an expiry, or removes it where there is to be none. */
export function expiryUpdate(expireAtMs: number | undefined): { sets: string[]; removes: string[]; values: Item } {
  if (expireAtMs === undefined) {
    return { sets: [], removes: ["#x", "#y"], values: {} };
  }
  const second: Item = { ":expires": { N: secondOf(expireAtMs) } };
  return isWithinSecond(expireAtMs)
    ? {
        sets: ["#x = :expires", "#y = :exact"],
        removes: [],
        values: { ...second, ":exact": { N: expireAtMs.toString() } },
      }
    : { sets: ["#x = :expires"], removes: ["#y"], values: second };
}

/**
 * The same where increments are remembered: DynamoDB's TTL must leave the item for two windows more, in which they may be
 * repeated. Each is applied before the entry expires, so that this is long enough for those to come as well.
 */
export function rememberingExpiryUpdate(
  expireAtMs: number | undefined,
  windowMs: number,
): ReturnType<typeof expiryUpdate> {
  if (expireAtMs === undefined) {
    return { sets: [], removes: ["#x", "#y", "#s.#t"], values: {} };
  }
  return {
    sets: ["#x = :expires", "#s.#t = :exact"],
    removes: ["#y"],
    values: { ":expires": { N: secondOf(keptUntil(expireAtMs, windowMs)) }, ":exact": { N: expireAtMs.toString() } },
  };
}

/** The epoch millisecond until which an item stays where increments are remembered. */
export function keptUntil(expireAtMs: number, windowMs: number): number {
  return Math.ceil(expireAtMs / 1000) * 1000 + 2 * windowMs;
}

/** An UpdateExpression of these clauses. */
export function updateExpression(sets: readonly string[], removes: readonly string[]): string {
  return `SET ${sets.join(", ")}${removes.length === 0 ? "" : ` REMOVE ${removes.join(", ")}`}`;
}

/** The millisecond from which an item is gone: see `ItemLayout`. Others may write fractions of seconds. */
export function parseExpiry(text: string | undefined, exactText: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const second = Number(text);
  const exact = Number(exactText);
  return Math.ceil(exact / 1000) === second ? exact : Math.ceil(second) * 1000;
}
