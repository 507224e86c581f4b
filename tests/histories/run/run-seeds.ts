import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { SeedReport } from "./run-seed.js";
import type { SeedOrder } from "./seed-worker.js";

export interface RunOptions {
  readonly from: number;
  readonly seeds: number;
  /** About how many operations each seed has. */
  readonly operations: number;
  /** The module that each process runs; the default is the one beside this. */
  readonly worker?: string;
}

/** A seed spends half its time waiting: for pauses between tries, and for answers that are held back. */
const workers = availableParallelism() + 1;

const environment = {
  ...process.env,
  // The SDK's notice about versions of 2027 would stand above every run on Node 20.
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  AWS_EC2_METADATA_DISABLED: "true",
};

/** Runs seeds in processes of their own until one fails. Hands each report on as it comes. */
export async function runSeeds(
  options: RunOptions,
  onReport: (report: SeedReport) => void = () => {},
): Promise<SeedReport[]> {
  const reports: SeedReport[] = [];
  const queue = Array.from({ length: options.seeds }, (_, n) => options.from + n);
  const take = (report: SeedReport): boolean => {
    reports.push(report);
    onReport(report);
    return report.failure === undefined;
  };
  const count = Math.min(workers, options.seeds);
  await Promise.all(Array.from({ length: count }, () => work(options, queue, take)));
  return reports;
}

/** One process, as long as there are seeds, and none has failed. */
async function work(
  { operations, worker }: RunOptions,
  queue: number[],
  take: (report: SeedReport) => boolean,
): Promise<void> {
  const path = worker ?? fileURLToPath(new URL("seed-worker.ts", import.meta.url));
  const child = fork(path, { execArgv: ["--import", "tsx"], env: environment, serialization: "advanced" });
  try {
    await nextMessage(child);
    for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) {
      child.send({ seed, operations } satisfies SeedOrder);
      if (!take((await nextMessage(child)) as SeedReport)) {
        queue.length = 0;
      }
    }
  } finally {
    if (child.connected) {
      child.disconnect();
    }
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`a process that ran seeds ended with ${code}`));
    child.once("exit", fail);
    child.once("message", (message) => {
      child.off("exit", fail);
      resolve(message);
    });
  });
}
