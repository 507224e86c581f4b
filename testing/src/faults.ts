import {
  type Fault,
  type FaultProxy,
  internalServerError,
  type ProxiedRequest,
  type ThrottlingReason,
  throttling,
} from "@dynakv/server/faults";
import { createMatcher, type FaultTarget } from "./fault-target.js";

/** Options of {@link Faults.throttleNext}. */
export interface ThrottleOptions extends FaultTarget {
  /** DynamoDB's reason; the default is that of a hot key, `TableWriteKeyRangeThroughputExceeded` or its like for reads. */
  readonly reason?: ThrottlingReason;
}

/**
 * Faults between the server and DynamoDB, by name. Those that are counted meet the next requests that fit, in the order in which the
 * faults were asked for; `slowDown` and `unavailable` last until `clear`, as does what is left of the others. What a call then sees is
 * decided by the server and the client, which repeat what is safe to repeat: docs/testing.md has the outcome of each.
 */
export interface Faults {
  /**
   * DynamoDB carries the next request out, and its answer is lost. The default is one write.
   *
   * @param target which request; `times` for more than one
   */
  loseNextAnswer(target?: FaultTarget & { readonly times?: number }): void;
  /** DynamoDB throttles so many requests, and does nothing. The default is requests of all kinds; `Infinity` lasts until `clear`. */
  throttleNext(times: number, options?: ThrottleOptions): void;
  /** DynamoDB fails with its InternalServerError so many times, and does nothing. The default is requests of all kinds. */
  failNext(times: number, target?: FaultTarget): void;
  /** Each answer of DynamoDB's comes so many milliseconds late; 0 ends it. */
  slowDown(ms: number, target?: FaultTarget): void;
  /** DynamoDB cannot be reached: each connection is reset. */
  unavailable(): void;
  /** Ends all faults. What is held is let go, and what had no answer gets none. */
  clear(): void;
  /** The proxy under it, for all other faults: see docs/faults.md. `clear` resets it as well. */
  readonly proxy: FaultProxy;
}

interface Rule {
  left: number;
  readonly matches: (request: ProxiedRequest) => boolean;
  readonly fault: (request: ProxiedRequest) => Fault;
}

export function createFaults(proxy: FaultProxy, keyAttribute: string): Faults {
  let rules: Rule[] = [];
  let slow: Rule | undefined;

  function add(times: number, target: FaultTarget, fallback: "writes" | "all", fault: Rule["fault"]): void {
    if (!(times === Number.POSITIVE_INFINITY || (Number.isSafeInteger(times) && times >= 0))) {
      throw new RangeError(`times is ${times}, which is neither a whole number from 0 nor Infinity`);
    }
    rules.push({ left: times, matches: createMatcher(target, keyAttribute, fallback), fault });
  }

  function decide(request: ProxiedRequest): Fault | undefined {
    const rule = [...rules, ...(slow === undefined ? [] : [slow])].find(
      (each) => each.left > 0 && each.matches(request),
    );
    if (rule === undefined) {
      return undefined;
    }
    rule.left--;
    return rule.fault(request);
  }

  proxy.decide = decide;
  return {
    proxy,
    loseNextAnswer({ times = 1, ...target } = {}) {
      add(times, target, "writes", () => "lose-answer");
    },
    throttleNext(times, { reason, ...target } = {}) {
      add(times, target, "all", ({ operation }) => throttling(reason ?? reasonFor(operation)));
    },
    failNext(times, target = {}) {
      add(times, target, "all", () => internalServerError());
    },
    slowDown(ms, target = {}) {
      if (!(ms >= 0 && ms < 2 ** 31)) {
        throw new RangeError(`ms is ${ms}, which is not from 0 to 2^31-1`);
      }
      const fault: Fault = { kind: "delay", afterMs: ms };
      slow = {
        left: Number.POSITIVE_INFINITY,
        matches: createMatcher(target, keyAttribute, "all"),
        fault: () => fault,
      };
    },
    unavailable() {
      proxy.outage(true);
    },
    clear() {
      rules = [];
      slow = undefined;
      proxy.reset();
      proxy.decide = decide;
    },
  };
}

function reasonFor(operation: string): ThrottlingReason {
  return `Table${/^(Get|BatchGet|Scan)/.test(operation) ? "Read" : "Write"}KeyRangeThroughputExceeded`;
}
