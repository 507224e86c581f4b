import { closeSync, mkdirSync, openSync } from "node:fs";
import { join, relative } from "node:path";
import { startProgram, stopProgram } from "../../programs.js";
import { root } from "../../run-uvu.js";
import { cacheFolder } from "../tools/installed.js";
import { celeryFolder } from "./celery-driver.js";

export interface CeleryWorker {
  /** The file of what it prints. */
  readonly log: string;
  stop(): Promise<void>;
}

/** A worker with processes of its own, as Celery starts it by default. It takes tasks as soon as it is ready. */
export function startCeleryWorker(python: string, environment: NodeJS.ProcessEnv, name: string): CeleryWorker {
  const log = join(cacheFolder, `celery-worker-${name}.log`);
  mkdirSync(cacheFolder, { recursive: true });
  const logFile = openSync(log, "w");
  const alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"];
  const args = ["-m", "celery", "--app", "celery_app", "worker", "--concurrency", "2", "--loglevel", "INFO", ...alone];
  const worker = startProgram(python, args, {
    cwd: celeryFolder,
    env: environment,
    stdio: ["ignore", logFile, logFile],
  });
  closeSync(logFile);
  return { log: relative(root, log), stop: () => stopProgram(worker) };
}
