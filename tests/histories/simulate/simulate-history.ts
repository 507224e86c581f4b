import type { Random } from "../../../server/test/support/random.js";
import { seenEtag } from "../check/etags.js";
import type { Condition, Expiry, Operation, Request, Result } from "../check/operation.js";
import { createSimulatedKey } from "./simulated-key.js";

export interface SimulationOptions {
  readonly random: Random;
  readonly operations: number;
  /** The most operations that are in flight at once. */
  readonly clients: number;
  /** The most operations whose outcome is unknown. */
  readonly unknown: number;
}

/** An operation that has been invoked. */
interface Running {
  readonly operation: Operation;
  readonly isUnknown: boolean;
  /** Set once it took effect. */
  result?: Result;
  completed?: boolean;
}

/**
 * A right history of one key: operations overlap, each takes effect at one moment between its invocation and its
 * completion, and those whose outcome is unknown take effect then, later, or never.
 */
export function simulateHistory({ random, operations, clients, unknown }: SimulationOptions): Operation[] {
  const key = createSimulatedKey();
  const history: Operation[] = [];
  const etags: string[] = [];
  let running: Running[] = [];
  let now = 1000;
  let events = 0;
  let invoked = 0;
  let unknownLeft = unknown;

  function invoke(): void {
    const isUnknown = unknownLeft > 0 && random.chance(0.25);
    unknownLeft -= isUnknown ? 1 : 0;
    const id = invoked++;
    const times = { invoked: events++, completed: 0, clockFrom: now, clockTo: now };
    const request = drawRequest(random, id, etags, now);
    const result: Result = { outcome: "unknown", why: "lost" };
    running.push({ operation: { id, client: `c${id}`, ...times, request, result }, isUnknown });
  }

  function takeEffect(each: Running): void {
    // A server may have read the clock at any time since it got the request.
    const { request, clockFrom } = each.operation;
    each.result = key.call(request, clockFrom + random.below(now - clockFrom + 1));
  }

  function complete(each: Running): void {
    const result: Result = each.isUnknown ? each.operation.result : (each.result ?? each.operation.result);
    const operation = { ...each.operation, completed: events++, clockTo: now, result };
    each.completed = true;
    history.push(operation);
    etags.push(...seenEtag(operation));
  }

  while (history.length < operations) {
    const active = running.filter(({ completed }) => completed !== true);
    const pending = running.filter(({ result }) => result === undefined);
    const ready = active.filter(({ result, isUnknown }) => isUnknown || result !== undefined);
    if (active.length < clients && invoked < operations && random.chance(0.5)) {
      invoke();
    } else if (pending.length > 0 && random.chance(0.6)) {
      takeEffect(random.pick(pending));
    } else if (ready.length > 0) {
      complete(random.pick(ready));
    } else if (random.chance(0.1)) {
      now++;
    }
    running = running.filter(({ completed, result }) => completed !== true || result === undefined);
  }
  return history;
}

function drawRequest(random: Random, id: number, etags: readonly string[], now: number): Request {
  const expiry: Expiry | undefined = random.chance(0.2)
    ? random.chance(0.3)
      ? "never"
      : now + 1 + random.below(3)
    : undefined;
  const condition = random.chance(0.4) ? drawCondition(random, etags) : undefined;
  const type = random.weighted({ get: 4, set: 3, delete: 2, incr: 4, touch: 1 });
  switch (type) {
    case "get":
      return { type };
    case "set":
      return {
        type,
        value: `v${id}`,
        condition,
        expiry: random.chance(0.2) ? "keep" : expiry,
        ...(random.chance(0.1) ? { counter: BigInt(random.below(5)) } : {}),
        isSwap: random.chance(0.4),
      };
    case "delete":
      return { type, condition, isTake: random.chance(0.5) };
    case "incr":
      return {
        type,
        delta: BigInt(random.below(5) - 1),
        ...(random.chance(0.2) ? { min: 0n, max: 6n } : {}),
        ...(random.chance(0.5) ? { expiry } : { expiryIfCreated: expiry }),
      };
    case "touch":
      return {
        type,
        expiry: expiry ?? "never",
        condition,
        isRead: random.chance(0.4),
        ...(random.chance(0.4) ? { ifRemainingBelow: 1 + random.below(3) } : {}),
      };
  }
}

function drawCondition(random: Random, etags: readonly string[]): Condition {
  const test = random.weighted({ absent: 1, present: 1, etag: 2 });
  if (test !== "etag") {
    return { test };
  }
  return {
    test,
    etag: etags.length === 0 ? "none" : (etags[etags.length - 1 - random.below(Math.min(4, etags.length))] ?? "none"),
  };
}
