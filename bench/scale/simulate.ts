import { quantile } from "../../tools/statistics.js";
import { limits } from "./figures.js";

/** One hot counter, or one hot key, that many replicas are called for. */
export interface SimulationInput {
  readonly replicas: number;
  /** Calls a second, over all replicas. */
  readonly rate: number;
  /** How many increments a client gathers under one request id; 1 for callers that gather none. */
  readonly gathered: number;
  /** How long an answer of DynamoDB's takes in the middle, in milliseconds. */
  readonly latencyMs: number;
  /** The part of DynamoDB's answers that are lost after the request was applied. */
  readonly lost: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface SimulationResult {
  /** Calls a second that were answered, and the part of all that was not within its deadline. */
  readonly answered: number;
  readonly failed: number;
  /** Requests to DynamoDB a second, and the part of them that it throttled. */
  readonly requests: number;
  readonly throttled: number;
  readonly p50: number;
  readonly p99: number;
  /** Increments that were applied twice, or answered and not applied. */
  readonly wrong: number;
}

/** What a replica does, as the server's code does it. */
const idsPerWrite = 32;
const maxTries = 5;
const firstPauseMs = 25;
const longestPauseMs = 1000;
const budgetCapacity = 500;
const retryCost = 5;
const deadlineMs = 10_000;
/** A counter's item is somewhat above 1 KB now and then. */
const unitsPerWrite = 1.2;
const unitsPerRead = 0.5;
/** DynamoDB says at once that it throttles. */
const throttledAfter = 0.5;

/** Calls that came in one step of time, and what became of them. */
interface Arrivals {
  readonly atMs: number;
  count: number;
}

/** What one request carries. */
interface Group {
  readonly calls: Arrivals[];
  readonly count: number;
  tries: number;
  /** How often it was added to the counter. */
  applied: number;
}

/** Plays a hot counter through in virtual time: every increment under a request id, by which a repetition is known. */
export function simulateCounter(input: SimulationInput): SimulationResult {
  return simulate(input, unitsPerWrite, limits.partitionWrites, idsPerWrite * input.gathered);
}

/** Plays a hot key through: all Gets that wait when a read begins share it. */
export function simulateKey(input: SimulationInput): SimulationResult {
  return simulate(input, unitsPerRead, limits.partitionReads, Number.POSITIVE_INFINITY);
}

function simulate(input: SimulationInput, units: number, limit: number, mostTogether: number): SimulationResult {
  const { replicas, rate, latencyMs, lost, seconds, seed } = input;
  const random = createRandom(seed);
  const events = createQueue();
  const endMs = seconds * 1000;
  const perReplicaMs = rate / replicas / 1000;
  let tokens = limit;
  let refilledMs = 0;
  let [requests, throttled, answered, failed, wrong] = [0, 0, 0, 0, 0];
  const latencies: number[] = [];

  /** Whether the partition has units left, of which it saves up those of one second. */
  function takeUnits(nowMs: number): boolean {
    tokens = Math.min(limit, tokens + ((nowMs - refilledMs) * limit) / 1000);
    refilledMs = nowMs;
    if (tokens < units) {
      return false;
    }
    tokens -= units;
    return true;
  }

  const answerMs = () => latencyMs * Math.exp(0.35 * gaussian(random));

  function startReplica(): void {
    const waiting: Arrivals[] = [];
    let lookedMs = 0;
    let budget = budgetCapacity;

    /** Those that have come since the last look, in a few steps. */
    function gather(nowMs: number): void {
      const expected = (Math.min(nowMs, endMs) - lookedMs) * perReplicaMs;
      const count = poisson(expected, random);
      const steps = Math.min(count, 4);
      for (let step = 0; step < steps; step++) {
        const part = Math.floor((count * (step + 1)) / steps) - Math.floor((count * step) / steps);
        waiting.push({ atMs: lookedMs + ((nowMs - lookedMs) * (step + 0.5)) / steps, count: part });
      }
      lookedMs = Math.max(lookedMs, nowMs);
      while (waiting[0] !== undefined && nowMs - waiting[0].atMs > deadlineMs) {
        failed += waiting.shift()?.count ?? 0;
      }
    }

    function take(): Group | undefined {
      const calls: Arrivals[] = [];
      let count = 0;
      while (waiting[0] !== undefined && count < mostTogether) {
        const [first] = waiting;
        const taken = Math.min(first.count, mostTogether - count);
        calls.push({ atMs: first.atMs, count: taken });
        count += taken;
        first.count -= taken;
        if (first.count === 0) {
          waiting.shift();
        }
      }
      return count === 0 ? undefined : { calls, count, tries: 0, applied: 0 };
    }

    function next(nowMs: number): void {
      gather(nowMs);
      const group = take();
      if (group !== undefined) {
        send(group, nowMs);
      } else if (nowMs < endMs) {
        // It begins with the next call.
        events.add(nowMs + Math.min(5, -Math.log(1 - random()) / perReplicaMs), next);
      }
    }

    function send(group: Group, nowMs: number): void {
      requests++;
      group.tries++;
      if (!takeUnits(nowMs)) {
        throttled++;
        events.add(nowMs + answerMs() * throttledAfter, (at) => again(group, at));
        return;
      }
      // Of a repetition the condition fails, and tells the result of then.
      group.applied += group.applied === 0 ? 1 : 0;
      if (random() < lost) {
        events.add(nowMs + answerMs(), (at) => again(group, at));
      } else {
        events.add(nowMs + answerMs(), (at) => end(group, at));
      }
    }

    function again(group: Group, nowMs: number): void {
      if (group.tries >= maxTries || budget < retryCost) {
        // It fails, and its callers ask again, under the same ids: what may have been applied is repeated as it was.
        events.add(nowMs + firstPauseMs + random() * longestPauseMs, (at) => askAgain(group, at));
        next(nowMs);
        return;
      }
      budget -= retryCost;
      events.add(nowMs + random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (group.tries - 1)), (at) =>
        send(group, at),
      );
    }

    function askAgain(group: Group, nowMs: number): void {
      group.tries = 0;
      if (group.applied > 0) {
        repeat(group, nowMs);
      } else {
        // With others, perhaps.
        waiting.unshift(...group.calls);
      }
    }

    /** One more request beside those of the others, for what was applied and not answered. */
    function repeat(group: Group, nowMs: number): void {
      requests++;
      if (!takeUnits(nowMs)) {
        throttled++;
        events.add(nowMs + firstPauseMs + random() * longestPauseMs, (at) => repeat(group, at));
        return;
      }
      events.add(nowMs + answerMs(), (at) => settle(group, at));
    }

    function end(group: Group, nowMs: number): void {
      settle(group, nowMs);
      next(nowMs);
    }

    function settle(group: Group, nowMs: number): void {
      budget = Math.min(budgetCapacity, budget + 1);
      wrong += group.applied === 1 ? 0 : group.count;
      answered += group.count;
      for (const { atMs, count } of group.calls) {
        if (latencies.length < 500_000) {
          latencies.push(...Array.from({ length: Math.min(4, count) }, () => nowMs - atMs));
        }
      }
    }

    events.add(random() * latencyMs, next);
  }

  for (let replica = 0; replica < replicas; replica++) {
    startReplica();
  }
  events.run(endMs);
  return {
    answered: answered / seconds,
    failed: failed / Math.max(1, answered + failed),
    requests: requests / seconds,
    throttled: throttled / Math.max(1, requests),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    wrong,
  };
}

type Event = (nowMs: number) => void;

/** What happens when, in a heap. */
function createQueue() {
  const heap: { atMs: number; event: Event }[] = [];

  function swap(a: number, b: number): void {
    const [first, second] = [heap[a], heap[b]];
    if (first !== undefined && second !== undefined) {
      heap[a] = second;
      heap[b] = first;
    }
  }
  const timeAt = (place: number) => heap[place]?.atMs ?? Number.POSITIVE_INFINITY;

  function takeFirst() {
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) {
      heap[0] = last;
      for (let place = 0; ; ) {
        const child = timeAt(2 * place + 1) < timeAt(2 * place + 2) ? 2 * place + 1 : 2 * place + 2;
        if (timeAt(child) >= timeAt(place)) {
          break;
        }
        swap(place, child);
        place = child;
      }
    }
    return first;
  }

  return {
    add(atMs: number, event: Event): void {
      heap.push({ atMs, event });
      for (let place = heap.length - 1; place > 0; ) {
        const parent = (place - 1) >> 1;
        if (timeAt(parent) <= timeAt(place)) {
          break;
        }
        swap(parent, place);
        place = parent;
      }
    },
    run(untilMs: number): void {
      for (let next = takeFirst(); next !== undefined && next.atMs <= untilMs; next = takeFirst()) {
        next.event(next.atMs);
      }
    },
  };
}

/** Mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function poisson(mean: number, random: () => number): number {
  if (mean > 30) {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(random)));
  }
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) {
    count++;
  }
  return count;
}
