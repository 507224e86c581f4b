/** An ordinary caller in a process of its own, with a few Gets in flight at any time. */
import { createClient, type DynakvClient } from "../../client/src/index.js";
import { answerQuestions } from "../../tools/process-monitor/answer.js";

/** How its Gets went. */
export interface Gets {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: Readonly<Record<string, number>>;
}

const inFlight = 8;
/** It has its connection before the attack begins. */
let client: DynakvClient;

answerQuestions({
  start(url: string): void {
    client = createClient({ address: url, batching: false });
  },
  async run(milliseconds: number): Promise<Gets> {
    const failed: Record<string, number> = {};
    const times: number[] = [];
    const until = performance.now() + milliseconds;
    async function go(caller: number): Promise<void> {
      for (let n = 0; performance.now() < until; n++) {
        const startedAt = performance.now();
        try {
          await client.get(`v100:${caller}${n}`);
          times.push(performance.now() - startedAt);
        } catch (error) {
          const { name, message } = error as Error;
          failed[`${name}: ${message}`.slice(0, 100)] = (failed[`${name}: ${message}`.slice(0, 100)] ?? 0) + 1;
        }
      }
    }
    await Promise.all(Array.from({ length: inFlight }, (_, caller) => go(caller)));
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
    return { perSecond: (times.length / milliseconds) * 1000, p50: at(0.5), p99: at(0.99), failed };
  },
});
