/** Preloaded into the attacked server, which thereby runs as it is: tells how late its timers were, and what it held at most. */
import { answerQuestions } from "../../tools/process-monitor/answer.js";

/** What was seen since it was asked the last time. */
export interface Watched {
  /** How late a timer was at most, in milliseconds. */
  readonly delayMs: number;
  readonly peakRssBytes: number;
}

const everyMs = 5;
let lastAt = performance.now();
let delayMs = 0;
let peakRssBytes = 0;
let ticks = 0;

setInterval(() => {
  const now = performance.now();
  delayMs = Math.max(delayMs, now - lastAt - everyMs);
  lastAt = now;
  if (ticks++ % 4 === 0) {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }
}, everyMs).unref();

answerQuestions({
  watched(): Watched {
    const seen = { delayMs, peakRssBytes: Math.max(peakRssBytes, process.memoryUsage.rss()) };
    delayMs = 0;
    peakRssBytes = 0;
    return seen;
  },
});
