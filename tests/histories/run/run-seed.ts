import { createRandom } from "../../../server/test/support/random.js";
import { checkHistory } from "../check/check-history.js";
import { type AdvancingClock, createAdvancingClock } from "./advancing-clock.js";
import { createFaultPlan } from "./faults-by-seed.js";
import { AnsweredTwice } from "./increment.js";
import { createRecorder, type Recorder } from "./recorder.js";
import type { Replicas } from "./replicas.js";
import { UnexpectedFailure } from "./results.js";
import { createSimulatedClient } from "./run-clients.js";
import { drawWorkload, type Workload } from "./workload.js";

export interface Failure {
  readonly kind: "violation" | "inconclusive" | "unexpected";
  readonly summary: string;
  readonly rendering: string;
}

/** What a seed brought. */
export interface SeedReport {
  readonly seed: number;
  readonly profile: string;
  readonly mix: string;
  readonly operations: number;
  /** How many operations ended as unknown, by why. */
  readonly unknown: ReadonlyMap<string, number>;
  /** How many requests met each fault. */
  readonly faults: ReadonlyMap<string, number>;
  /** The most states that the check of one key visited. */
  readonly visited: number;
  readonly failure: Failure | undefined;
}

const outageMs = 50;

/** Lets the clients of a seed loose on fresh keys, and checks what they saw. */
export async function runSeed(replicas: Replicas, seed: number, operations: number): Promise<SeedReport> {
  const workload = drawWorkload(seed);
  const clock = createAdvancingClock(replicas.clock, workload.skewMs);
  replicas.skewMs = workload.skewMs;
  // The table may have seen the seed before.
  const prefix = crypto.randomUUID().slice(0, 8);
  const named = { ...workload, keys: workload.keys.map((key) => `${prefix}-${key}`) };
  const recorder = createRecorder(named.keys, clock.nowMs);
  let failure: Failure | undefined;
  try {
    await runPhases(replicas, named, recorder, clock, seed, operations);
  } catch (error) {
    failure = failureOf(error);
  }
  const faults = countFaults(replicas);
  for (const { proxy } of replicas.list) {
    proxy.reset();
  }
  return { seed, profile: workload.profile.name, mix: workload.mixName, faults, ...judge(recorder, failure) };
}

async function runPhases(
  { list }: Replicas,
  workload: Workload,
  recorder: Recorder,
  clock: AdvancingClock,
  seed: number,
  operations: number,
): Promise<void> {
  const random = createRandom(seed, "phases");
  const plans = list.map((_, index) => createFaultPlan(seed, index, workload.profile));
  for (const [index, { proxy }] of list.entries()) {
    proxy.decide = plans[index]?.decide;
  }
  const clients = Array.from({ length: workload.clients }, (_, n) => {
    const replicas = list
      .map((_, index) => list[(n + index) % list.length]?.client)
      .filter((each) => each !== undefined);
    return createSimulatedClient({ name: `c${n}`, seed, workload, recorder, clock, replicas });
  });
  const each = Math.max(1, Math.round(operations / workload.clients / workload.phases));
  for (let phase = 0; phase < workload.phases; phase++) {
    const outages = Array.from({ length: workload.profile.outages }, () => ({
      atMs: random.below(100),
      replica: random.below(list.length),
    }));
    const timers = outages.map(({ atMs, replica }) => breakConnections(list[replica]?.proxy, atMs));
    try {
      const ends = await Promise.allSettled(clients.map((client) => client.run(each)));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined) {
        throw failed.reason;
      }
    } finally {
      for (const stop of timers) {
        stop();
      }
      await Promise.all(plans.map((plan) => plan.settle()));
    }
    clock.beginPhase();
    for (let second = 0; second < workload.quietSeconds; second += 50) {
      clock.advance(Math.min(50, workload.quietSeconds - second) * 1000);
      clock.beginPhase();
    }
  }
  await readAll(list[0], workload, recorder, clock);
}

function breakConnections(proxy: Replicas["list"][number]["proxy"] | undefined, atMs: number): () => void {
  const begin = setTimeout(() => proxy?.outage(true), atMs);
  const end = setTimeout(() => proxy?.outage(false), atMs + outageMs);
  return () => {
    clearTimeout(begin);
    clearTimeout(end);
    proxy?.outage(false);
  };
}

/** What the keys hold in the end, told without faults. */
async function readAll(
  replica: Replicas["list"][number] | undefined,
  workload: Workload,
  recorder: Recorder,
  clock: AdvancingClock,
) {
  if (replica === undefined) {
    return;
  }
  replica.proxy.decide = undefined;
  const calm = { ...workload, mix: { get: 0, mget: 1, set: 0, delete: 0, incr: 0, touch: 0 }, ticks: 0, haste: 0 };
  const reader = { name: "end", seed: 0, workload: calm, recorder, clock, replicas: [replica.client] };
  await createSimulatedClient(reader).run(1);
}

function countFaults({ list }: Replicas): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { fault, error } of list.flatMap(({ proxy }) => proxy.log)) {
    const name = error ?? fault;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function failureOf(error: unknown): Failure {
  if (error instanceof AnsweredTwice) {
    return { kind: "violation", summary: error.message, rendering: "" };
  }
  if (error instanceof UnexpectedFailure) {
    return { kind: "unexpected", summary: `unexpected failure: ${error.message}`, rendering: "" };
  }
  throw error;
}

function judge(recorder: Recorder, early: Failure | undefined) {
  const unknown = new Map<string, number>();
  let operations = 0;
  let visited = 0;
  let failure = early;
  for (const [key, history] of recorder.histories) {
    operations += history.length;
    for (const { result } of history) {
      if (result.outcome === "unknown") {
        unknown.set(result.why, (unknown.get(result.why) ?? 0) + 1);
      }
    }
    const check = checkHistory(history);
    visited = Math.max(visited, check.visited);
    if (check.verdict === "inconclusive") {
      failure ??= {
        kind: "inconclusive",
        summary: `INCONCLUSIVE after ${check.visited} states, key ${key}`,
        rendering: "",
      };
    }
    if (check.violation !== undefined) {
      const { summary, rendering } = check.violation;
      failure ??= { kind: "violation", summary: `key ${key}: ${summary}`, rendering };
    }
  }
  return { operations, unknown, visited, failure };
}
