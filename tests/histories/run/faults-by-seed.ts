import {
  type Fault,
  internalServerError,
  type ProxiedRequest,
  serviceUnavailable,
  throttling,
} from "../../../server/src/faults/index.js";
import { isOwnProbe } from "../../../server/test/support/own-probe.js";
import { createRandom, type Random } from "../../../server/test/support/random.js";

/** What befalls the requests of a seed, each with its probability. */
export interface FaultProfile {
  readonly name: string;
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>;
  /** How often the connections of one replica break, and none is made, for some milliseconds. */
  readonly outages: number;
}

type FaultKind =
  | "lost answer"
  | "error before"
  | "error after"
  | "throttle"
  | "refused"
  | "slow answer"
  | "late request"
  | "unprocessed";

const allKinds = { "lost answer": 0.07, "error before": 0.04, "error after": 0.04, throttle: 0.05, refused: 0.04 };

export const faultProfiles: readonly FaultProfile[] = [
  { name: "none", rates: {}, outages: 0 },
  { name: "lost answers", rates: { "lost answer": 0.3 }, outages: 0 },
  { name: "errors", rates: { "error before": 0.15, "error after": 0.15 }, outages: 0 },
  { name: "throttles", rates: { throttle: 0.3, unprocessed: 0.3 }, outages: 0 },
  { name: "refused connections", rates: { refused: 0.3 }, outages: 0 },
  { name: "slow answers", rates: { "slow answer": 0.6 }, outages: 0 },
  { name: "late requests", rates: { "late request": 0.4, "lost answer": 0.1 }, outages: 0 },
  { name: "outage", rates: { "slow answer": 0.3 }, outages: 2 },
  {
    name: "mixed",
    rates: { ...allKinds, "slow answer": 0.15, "late request": 0.15, unprocessed: 0.1 },
    outages: 1,
  },
];

/** Chooses the faults of one replica's requests. */
export interface FaultPlan {
  decide(request: ProxiedRequest): Fault;
  /** Resolves once no request or answer is held back any more. */
  settle(): Promise<void>;
}

/** The fault of a request depends on the seed, the replica, the operation, and how many of that operation came before. */
export function createFaultPlan(seed: number, replica: number, { rates }: FaultProfile): FaultPlan {
  const counts = new Map<string, number>();
  let heldUntil = 0;
  return {
    decide(request) {
      const { operation } = request;
      if (isOwnProbe(request)) {
        return "forward";
      }
      const n = (counts.get(operation) ?? 0) + 1;
      counts.set(operation, n);
      const random = createRandom(seed, replica, operation, n);
      const { unprocessed = 0, ...others } = rates;
      if (operation === "BatchGetItem" && random.chance(unprocessed)) {
        return { kind: "unprocessed", share: random.chance(0.3) ? 1 : 0.5 };
      }
      const fault = drawFault(random, others, /^(Get|BatchGet)Item$/.test(operation));
      if (typeof fault === "object" && fault.kind === "delay") {
        heldUntil = Math.max(heldUntil, performance.now() + (fault.beforeMs ?? 0) + (fault.afterMs ?? 0));
      }
      return fault;
    },
    async settle() {
      // A request that was let go takes some milliseconds more.
      const ms = heldUntil - performance.now() + 10;
      if (ms > 0) {
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
    },
  };
}

function drawFault(random: Random, rates: FaultProfile["rates"], isRead: boolean): Fault {
  const sum = Object.values(rates).reduce((total, rate) => total + rate, 0);
  const kind = random.weighted<FaultKind | "none">({ ...rates, none: 1 - sum });
  switch (kind) {
    case "lost answer":
      return "lose-answer";
    case "refused":
      return "refuse";
    case "error before":
      return random.chance(0.5) ? internalServerError() : serviceUnavailable();
    case "error after":
      return internalServerError({ applied: true });
    case "throttle":
      return throttling(isRead ? "TableReadProvisionedThroughputExceeded" : "TableWriteProvisionedThroughputExceeded");
    case "slow answer":
      return { kind: "delay", beforeMs: random.below(4), afterMs: random.below(12) };
    case "late request":
      return { kind: "delay", beforeMs: random.chance(0.1) ? 50 + random.below(100) : 5 + random.below(35) };
    default:
      return "forward";
  }
}
