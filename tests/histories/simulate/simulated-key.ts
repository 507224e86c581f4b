import type { Answer, Condition, Content, Expiry, Refusal, Request, Result } from "../check/operation.js";

interface Entry {
  content: Content;
  etag: string;
  expireAt: number | undefined;
}

/** A key that is never wrong: what the checker is tested against, written without a look at it. */
export interface SimulatedKey {
  /** Carries a request out, whole and at once, at this time. */
  call(request: Request, now: number): Result;
}

class Refused extends Error {
  readonly reason: Refusal;
  constructor(reason: Refusal) {
    super(reason);
    this.reason = reason;
  }
}

export function createSimulatedKey(): SimulatedKey {
  let stored: Entry | undefined;
  let writes = 0;

  function put(content: Content, expiry: Expiry | undefined): Entry {
    stored = { content, etag: `e${++writes}`, expireAt: expiry === "never" ? undefined : expiry };
    return stored;
  }

  function call(request: Request, entry: Entry | undefined, now: number): Answer {
    if (request.type !== "get" && request.type !== "incr") {
      check(entry, request.condition);
    }
    switch (request.type) {
      case "get":
        return { type: "get", entry: entry && { ...entry } };
      case "set": {
        const expiry = request.expiry === "keep" ? entry?.expireAt : request.expiry;
        const content: Content =
          request.counter === undefined
            ? { kind: "value", value: request.value }
            : { kind: "counter", count: request.counter };
        const { etag, expireAt } = put(content, expiry);
        return { type: "set", etag, expireAt, previous: request.isSwap && entry ? { ...entry } : undefined };
      }
      case "delete":
        stored = undefined;
        return {
          type: "delete",
          existed: entry !== undefined,
          entry: request.isTake && entry ? { ...entry } : undefined,
        };
      case "incr": {
        if (entry?.content.kind === "value") {
          throw new Refused("WRONG_KIND");
        }
        const count = (entry?.content.count ?? 0n) + request.delta;
        if ((request.min !== undefined && count < request.min) || (request.max !== undefined && count > request.max)) {
          throw new Refused("OUT_OF_BOUNDS");
        }
        const { etag, expireAt } = put(
          { kind: "counter", count },
          entry === undefined ? (request.expiryIfCreated ?? request.expiry) : (request.expiry ?? entry.expireAt),
        );
        return { type: "incr", count, etag, expireAt };
      }
      case "touch": {
        if (entry === undefined) {
          return { type: "touch", existed: false, etag: undefined, expireAt: undefined };
        }
        const { ifRemainingBelow } = request;
        const isUnchanged =
          ifRemainingBelow !== undefined && (entry.expireAt === undefined || entry.expireAt - now >= ifRemainingBelow);
        const left = isUnchanged ? entry : put(entry.content, request.expiry);
        const { etag, expireAt } = left;
        return {
          type: "touch",
          existed: true,
          etag,
          expireAt,
          entry: request.isRead ? { ...left } : undefined,
          isUnchanged,
        };
      }
    }
  }

  return {
    call(request, now) {
      const entry = stored?.expireAt !== undefined && stored.expireAt <= now ? undefined : stored;
      try {
        return { outcome: "done", answer: call(request, entry, now) };
      } catch (error) {
        if (!(error instanceof Refused)) {
          throw error;
        }
        const { reason } = error;
        return { outcome: "refused", reason, currentEtag: reason === "OUT_OF_BOUNDS" ? undefined : entry?.etag };
      }
    },
  };
}

function check(entry: Entry | undefined, condition: Condition | undefined): void {
  if (condition?.test === "absent" && entry !== undefined) {
    throw new Refused("ALREADY_EXISTS");
  }
  if (condition?.test === "present" && entry === undefined) {
    throw new Refused("NOT_PRESENT");
  }
  if (condition?.test === "etag" && entry?.etag !== condition.etag) {
    throw new Refused("ETAG_MISMATCH");
  }
}
