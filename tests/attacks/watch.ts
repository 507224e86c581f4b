/** Preloaded into the attacked server, which thereby runs as it is: tells how late its timers were, and what it held at most. */
import { answerQuestions } from "../../tools/process-monitor/answer.js";

/** What was seen since it was asked the last time. */
export interface Watched {
  /** How late a timer was at most, in milliseconds. */
  readonly delayMs: number;
  /** As much of that as the process had the processor for: the rest it has waited for others. */
  readonly heldMs: number;
  /** Processor time of the process, in cores. */
  readonly cores: number;
  readonly peakRssBytes: number;
}

const everyMs = 5;
let lastAt = performance.now();
let lastCpu = cpuMs();
let since = { at: lastAt, cpu: lastCpu };
let delayMs = 0;
let heldMs = 0;
let peakRssBytes = 0;
let ticks = 0;

setInterval(() => {
  const now = performance.now();
  const cpu = cpuMs();
  const lateMs = now - lastAt - everyMs;
  delayMs = Math.max(delayMs, lateMs);
  heldMs = Math.max(heldMs, Math.min(lateMs, cpu - lastCpu));
  lastAt = now;
  lastCpu = cpu;
  if (ticks++ % 4 === 0) {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }
}, everyMs).unref();

answerQuestions({
  watched(): Watched {
    const now = { at: performance.now(), cpu: cpuMs() };
    const seen = {
      delayMs,
      heldMs,
      cores: (now.cpu - since.cpu) / (now.at - since.at),
      peakRssBytes: Math.max(peakRssBytes, process.memoryUsage.rss()),
    };
    since = now;
    delayMs = 0;
    heldMs = 0;
    peakRssBytes = 0;
    return seen;
  },
});

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
