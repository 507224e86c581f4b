import { setTimeout as sleep } from "node:timers/promises";
import { internalServerError, throttling } from "../../server/src/faults/index.js";
import { createRandom } from "../../server/test/support/random.js";
import { growthOf, heldBytes, megabytes, type Sample } from "../../tools/process-monitor/trend.js";
import { createFindings } from "../fuzz/run/findings.js";
import { startCallers } from "./callers.js";
import { type Replica, startSoakStack } from "./stack.js";

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly print: (text: string) => void;
}

export interface SoakReport {
  readonly turns: ReadonlyMap<string, number>;
  readonly increments: bigint;
  readonly restarts: number;
  readonly faults: number;
  /** Of each replica that ran all the time. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly findings: ReadonlyMap<string, number>;
}

const turnsPerSecond = 150;
const sampleEveryMs = 5000;
const restartEveryMs = 40_000;
/** What the straight line through the samples after the warm-up may rise by, in bytes: they scatter by as much. */
const allowedHeldGrowth = 5_000_000;
const allowedRssGrowth = 40_000_000;

/** What befalls the requests that go through the proxy. */
const rates = [
  { fault: "lose-answer", rate: 0.02 },
  { fault: "refuse", rate: 0.02 },
  { fault: "cut-answer", rate: 0.01 },
  { fault: internalServerError(), rate: 0.01 },
  { fault: internalServerError({ applied: true }), rate: 0.01 },
  { fault: throttling("TableWriteProvisionedThroughputExceeded"), rate: 0.03 },
  { fault: { kind: "delay", beforeMs: 150, afterMs: 50 }, rate: 0.05 },
] as const;

export async function runSoak({ minutes, seed, print }: SoakOptions): Promise<SoakReport> {
  const findings = createFindings(print);
  const stack = await startSoakStack(seed, findings.add);
  const { steady, faulty, restarted, proxy } = stack;
  proxy.setRates(rates);
  const random = createRandom(seed, "soak");
  const urls = [steady, faulty, restarted].map(({ url }) => url);
  const callers = startCallers({ urls, rate: turnsPerSecond, random, onProblem: findings.add });
  const samples = new Map<string, Sample[]>([steady, faulty].map(({ name }) => [name, []]));
  const end = performance.now() + minutes * 60_000;
  let restarts = 0;
  let faults = 0;

  async function sampleUntilEnd(): Promise<void> {
    for (let at = 0; performance.now() < end; at += sampleEveryMs) {
      await sleep(sampleEveryMs);
      for (const { name, process } of [steady, faulty]) {
        samples.get(name)?.push({ at, ...(await process().gauge()) });
      }
    }
  }
  async function restartUntilEnd(): Promise<void> {
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
      await sleep(Math.min(left, restartEveryMs));
      if (left > restartEveryMs) {
        await restarted.restart();
        restarts++;
        print(`${Math.round((left - restartEveryMs) / 1000)} s to go\n`);
      }
    }
  }

  await Promise.all([sampleUntilEnd(), restartUntilEnd()]).catch((error: unknown) => findings.add(`${error}`));
  faults = proxy.log.length;
  proxy.reset();
  await callers.stop();
  for (const replica of [steady, faulty]) {
    checkGrowth(replica, samples.get(replica.name) ?? [], findings.add);
    await checkLeft(replica, findings.add);
  }
  await stack.stop();
  const increments = [...callers.counters.values()].reduce((sum, n) => sum + n, 0n);
  return { turns: callers.turns, increments, restarts, faults, samples, findings: findings.list };
}

function checkGrowth({ name }: Replica, samples: readonly Sample[], onProblem: (problem: string) => void): void {
  const later = afterWarmUp(samples);
  const held = growthOf(later, heldBytes);
  const resident = growthOf(later, ({ rssBytes }) => rssBytes);
  if (held > allowedHeldGrowth || resident > allowedRssGrowth) {
    onProblem(`${name} grew by ${megabytes(held)} MB held and ${megabytes(resident)} MB resident after the warm-up`);
  }
}

/** The last two thirds. */
export function afterWarmUp<S>(samples: readonly S[]): readonly S[] {
  return samples.slice(Math.floor(samples.length / 3));
}

/** Once nobody calls, no connection and no timer of a call may be there. */
async function checkLeft({ name, process }: Replica, onProblem: (problem: string) => void): Promise<void> {
  let left = await process().gauge();
  // Half-open connections are given up after ten seconds.
  for (let tries = 0; tries < 30 && left.connections > 0; tries++) {
    await sleep(1000);
    left = await process().gauge();
  }
  if (left.connections > 0 || (left.resources.Timeout ?? 0) > maxTimers) {
    onProblem(`${name} is left with ${left.connections} connections and ${JSON.stringify(left.resources)}`);
  }
}

/** The server's own, such as that of its look at the engine. */
const maxTimers = 4;
