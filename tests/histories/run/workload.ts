import { createRandom, type Random } from "../../../server/test/support/random.js";
import type { Condition, Expiry, Request } from "../check/operation.js";
import { type FaultProfile, faultProfiles } from "./faults-by-seed.js";

type Kind = Request["type"] | "mget";

/** What the clients of a seed do. */
export interface Workload {
  readonly profile: FaultProfile;
  readonly keys: readonly string[];
  readonly clients: number;
  readonly mixName: string;
  readonly mix: Readonly<Record<Kind, number>>;
  readonly conditions: number;
  readonly expiries: number;
  /** What increments add, and the probability that one has bounds. */
  readonly deltas: readonly bigint[];
  readonly bounds: number;
  /** The probability that the clock moves on before an operation. */
  readonly ticks: number;
  /** The probability of a deadline, or of a caller who leaves, within milliseconds. */
  readonly haste: number;
  /** The probability that it then moves by many seconds at once, and by how many milliseconds. */
  readonly leaps: number;
  readonly leapMs: number;
  /** By how much the clock of the last replica is ahead of the others. */
  readonly skewMs: number;
  /** The probability that an increment has a request id of a new writer. */
  readonly newWriters: number;
  /** The probability that a caller sends an increment once more that it has had an answer to. */
  readonly lateReplays: number;
  /** Between phases all is quiet, and the clock moves on by this many seconds. */
  readonly phases: number;
  readonly quietSeconds: number;
}

const mixes: Readonly<Record<string, Workload["mix"]>> = {
  values: { get: 4, mget: 1, set: 5, delete: 2, incr: 0, touch: 1 },
  counters: { get: 2, mget: 0.5, set: 0, delete: 0.7, incr: 9, touch: 0.5 },
  "both kinds": { get: 3, mget: 0.5, set: 2, delete: 2, incr: 6, touch: 1 },
};

export function drawWorkload(seed: number): Workload {
  const random = createRandom(seed, "workload");
  // More writers than one counter can remember, and ids that get old while they are in flight.
  const isCrowded = random.chance(0.25);
  // And in half of these a replica that takes ids for old, and forgets them, of which the others would think otherwise.
  const isSkewed = isCrowded && random.chance(0.5);
  const mixName = isCrowded ? "counters" : random.pick(Object.keys(mixes));
  const mix = mixes[mixName];
  if (mix === undefined) {
    throw new Error(`there is no mix ${mixName}`);
  }
  const profile = random.pick(faultProfiles);
  return {
    profile,
    keys: Array.from({ length: isCrowded ? 1 : 3 + random.below(3) }, (_, n) => `${seed}-${n}`),
    clients: 8 + random.below(5),
    mixName: isSkewed ? "crowded counters, skewed clocks" : isCrowded ? "crowded counters" : mixName,
    mix,
    conditions: random.pick([0.2, 0.5, 0.7]),
    // Many increments end as unknown there: the more they are alike, the fewer orders there are to try.
    deltas: isCrowded ? [1n, 1n, 1n, 2n] : [1n, 1n, 2n, 5n, -1n, 0n],
    bounds: isCrowded ? 0 : 0.15,
    // What has expired for one replica is there for another while their clocks differ.
    expiries: isSkewed ? 0 : random.pick([0, 0, 0.2, 0.5]) * (isCrowded ? 0.2 : 1),
    ticks: isCrowded ? 0.1 : random.pick([0, 0.05, 0.2]),
    leaps: isCrowded ? 0.2 : random.pick([0, 0.1]),
    leapMs: isSkewed ? 12_000 : 65_000,
    skewMs: isSkewed ? 50_000 : 0,
    newWriters: isCrowded ? 0.5 : random.pick([0, 0.2]),
    lateReplays: isCrowded ? 0.4 : random.pick([0, 0.2]),
    haste: profile.name === "late requests" ? (isCrowded ? 0.1 : 0.3) : isCrowded ? 0 : random.pick([0, 0, 0.1, 0.3]),
    phases: random.pick([1, 2, 3]),
    quietSeconds: random.pick([1, 30, 70, 150]),
  };
}

/** Draws a request of one kind. `id` is new for each request of the seed. */
export function drawRequest(
  random: Random,
  { conditions, expiries, deltas, bounds }: Workload,
  type: Request["type"],
  id: string,
  etags: readonly string[],
  nowMs: number,
): Request {
  const expiry = random.chance(expiries) ? drawExpiry(random, nowMs) : undefined;
  const condition = random.chance(conditions) ? drawCondition(random, etags) : undefined;
  switch (type) {
    case "get":
      return { type };
    case "set":
      return {
        type,
        value: id,
        condition,
        expiry: random.chance(0.1) ? "keep" : expiry,
        ...(random.chance(0.1) ? { counter: BigInt(random.below(10)) } : {}),
        isSwap: random.chance(0.3),
      };
    case "delete":
      return { type, condition, isTake: random.chance(0.5) };
    case "incr": {
      const limits = random.chance(bounds) ? { min: -3n, max: BigInt(random.below(20)) } : {};
      const isWindow = expiry !== undefined && random.chance(0.5);
      return {
        type,
        delta: random.pick(deltas),
        ...limits,
        ...(isWindow ? { expiryIfCreated: expiry } : { expiry }),
      };
    }
    case "touch":
      // That a Touch shall create nothing goes without saying: if_absent is refused.
      return {
        type,
        expiry: expiry ?? "never",
        ...(condition?.test === "absent" ? {} : { condition }),
        isRead: random.chance(0.4),
        ...(random.chance(0.3) ? { ifRemainingBelow: 1 + random.below(2500) } : {}),
      };
  }
}

function drawExpiry(random: Random, nowMs: number): Expiry {
  return random.chance(0.2) ? "never" : nowMs + 300 + random.below(3000);
}

/** An etag that somebody has seen: mostly the last one, else an older. */
function drawCondition(random: Random, etags: readonly string[]): Condition {
  const test = random.weighted({ absent: 2, present: 1, etag: 3 });
  const last = etags.at(-1);
  if (test !== "etag" || last === undefined) {
    return { test: test === "etag" ? "absent" : test };
  }
  return { test, etag: random.chance(0.6) ? last : random.pick(etags) };
}
