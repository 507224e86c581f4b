import { once } from "node:events";
import type { Gauge } from "./gauge.js";
import { type BenchProcess, startProcess } from "./monitored-process.js";

/** A process whose memory, connections, log and end are watched. */
export interface MeasuredProcess extends Omit<BenchProcess, "usage" | "stderr"> {
  gauge(): Promise<Gauge>;
  /** How it has ended, such as `code 1` or `SIGSEGV`; undefined while it runs. */
  ended(): string | undefined;
  /** Ends it as an operator does, and resolves with how it has ended. */
  terminate(): Promise<string>;
}

/** Starts a module, named from the root of the repository. Its lines on stderr are handed on one by one. */
export function startMeasuredProcess(
  module: string,
  args: readonly string[],
  onLine: (line: string) => void,
): MeasuredProcess {
  let unfinished = "";
  const { child, ask, printed, stop } = startProcess(module, args, {
    preload: new URL("gauge.ts", import.meta.url),
    nodeFlags: ["--expose-gc"],
    onStderr(text) {
      const lines = (unfinished + text).split("\n");
      unfinished = lines.pop() ?? "";
      lines.forEach(onLine);
    },
  });
  let ended: string | undefined;
  const end = once(child, "close").then(([code, signal]: unknown[]) => {
    ended = signal === null ? `code ${code}` : String(signal);
    if (unfinished !== "") {
      onLine(unfinished);
    }
    return ended;
  });
  return {
    child,
    ask,
    printed,
    stop,
    gauge: () => ask<Gauge>("gauge"),
    ended: () => ended,
    terminate() {
      child.kill("SIGTERM");
      return end;
    },
  };
}
