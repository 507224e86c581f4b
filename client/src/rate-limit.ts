import type { Incremented, RateLimited } from "./operations.js";

/** What the counter of a window says of the call that it has just counted. */
export function toRateLimited({ value, expireTime }: Incremented, limit: number): RateLimited {
  const left = BigInt(limit) - value;
  return { allowed: left >= 0n, remaining: left > 0n ? Number(left) : 0, used: value, resetTime: expireTime };
}
