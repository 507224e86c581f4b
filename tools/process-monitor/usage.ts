/**
 * Preloaded into each process of the bench, the server's command line included, which is thereby measured as it is: tells
 * what the process has spent.
 */
import { answerQuestions, type Usage } from "./answer.js";

const sampleMs = 20;
let peakRssBytes = 0;
let isSampling = false;

function sample(): void {
  peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
}

answerQuestions({
  usage(): Usage {
    const { user, system } = process.cpuUsage();
    const rssBytes = process.memoryUsage.rss();
    const usage = { cpu: user + system, rssBytes, peakRssBytes: Math.max(peakRssBytes, rssBytes) };
    peakRssBytes = 0;
    return usage;
  },
  /** Not resourceUsage().maxRSS, in which Linux counts what the process that forked this one held. */
  watchMemory() {
    if (!isSampling) {
      isSampling = true;
      setInterval(sample, sampleMs).unref();
    }
    sample();
  },
});
