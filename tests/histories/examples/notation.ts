import type { Operation, Request, Result } from "../check/operation.js";

type Interval = readonly [invoked: number, completed: number];
export type Call = readonly [
  at: Interval | number,
  request: Request,
  result: Result,
  clock?: readonly [number, number],
];

/** Operations by their intervals; one that is given by a single number overlaps none with another number. */
export function history(...calls: Call[]): Operation[] {
  return calls.map(([at, request, result, [clockFrom, clockTo] = [0, 0]], id) => {
    const [invoked, completed] = typeof at === "number" ? [at, at + 0.5] : at;
    return { id, client: `c${id}`, invoked, completed, clockFrom, clockTo, request, result };
  });
}

export const get: Request = { type: "get" };
export const set = (value: string, more: Partial<Extract<Request, { type: "set" }>> = {}): Request => ({
  type: "set",
  value,
  ...more,
});
export const del: Request = { type: "delete" };
export const incr = (delta = 1n, more: Partial<Extract<Request, { type: "incr" }>> = {}): Request => ({
  type: "incr",
  delta,
  ...more,
});
export const touch = (expiry: number | "never" = "never"): Request => ({ type: "touch", expiry });
export const absent = { condition: { test: "absent" } } as const;
export const present = { condition: { test: "present" } } as const;
export const ifEtag = (etag: string) => ({ condition: { test: "etag", etag } }) as const;

export const unknown: Result = { outcome: "unknown", why: "test" };
export const notApplied: Result = { outcome: "not-applied", why: "test" };
export const missing: Result = { outcome: "done", answer: { type: "get", entry: undefined } };
export const value = (held: string, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "get", entry: { content: { kind: "value", value: held }, etag, expireAt } },
});
export const counter = (count: bigint, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "get", entry: { content: { kind: "counter", count }, etag, expireAt } },
});
export const stored = (etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "set", etag, expireAt },
});
export const deleted = (existed: boolean): Result => ({ outcome: "done", answer: { type: "delete", existed } });
export const counted = (count: bigint, etag: string, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "incr", count, etag, expireAt },
});
export const touched = (etag: string | undefined, expireAt?: number): Result => ({
  outcome: "done",
  answer: { type: "touch", existed: etag !== undefined, etag, expireAt },
});
export const refused = (reason: Extract<Result, { outcome: "refused" }>["reason"], currentEtag?: string): Result => ({
  outcome: "refused",
  reason,
  currentEtag,
});
