import type { Incremented, RateLimited } from "./operations.js";

/** Interprets a window's counter after counting a call. */
export function toRateLimited({ value, expireTime }: Incremented, limit: number): RateLimited {
  const left = BigInt(limit) - value;
  return { allowed: left >= 0n, remaining: left > 0n ? Number(left) : 0, used: value, resetTime: expireTime };
}
