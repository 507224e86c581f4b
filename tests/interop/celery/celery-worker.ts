import { closeSync, mkdirSync, openSync } from "node:fs";
import { join, relative } from "node:path";
import { startProgram, stopProgram } from "../../../tools/programs.js";
import { root } from "../../../tools/root.js";
import { scratchFolder } from "../tools/installed.js";
import { celeryFolder } from "./celery-driver.js";

export interface CeleryWorker {
  /** The file of what it prints. */
  readonly log: string;
  stop(): Promise<void>;
}

/**
 * A worker with processes of its own, as Celery starts it by default. It takes tasks as soon as it is ready.
 *
 * Its credentials come from the environment. With credentials in the URL Celery connects before it forks, and all
 * processes of the worker write to that one connection: some of their requests then reach the engine mixed up.
 */
export function startCeleryWorker(
  python: string,
  { INTEROP_BACKEND: backend = "", ...environment }: NodeJS.ProcessEnv,
  name: string,
): CeleryWorker {
  const { username, password } = new URL(backend);
  const log = join(scratchFolder, `celery-worker-${name}.log`);
  mkdirSync(scratchFolder, { recursive: true });
  const logFile = openSync(log, "w");
  const alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"];
  const args = ["-m", "celery", "--app", "celery_app", "worker", "--concurrency", "2", "--loglevel", "INFO", ...alone];
  const worker = startProgram(python, args, {
    cwd: celeryFolder,
    env: {
      ...environment,
      INTEROP_BACKEND: backend.replace(`${username}:${password}@`, "@"),
      AWS_ACCESS_KEY_ID: username,
      AWS_SECRET_ACCESS_KEY: password,
    },
    stdio: ["ignore", logFile, logFile],
  });
  closeSync(logFile);
  return { log: relative(root, log), stop: () => stopProgram(worker) };
}
