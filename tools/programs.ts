/**
 * Programs that a script starts. Each leads a process group of its own, and none outlives the script: they end with their
 * children when it ends, fails, or is interrupted.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const running = new Set<ChildProcess>();
/** How long a program may take to end before it is killed. */
const stopMs = 5000;

export function startProgram(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (process.listenerCount("exit", killAll) === 0) {
    process.on("exit", killAll);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => process.exit(128 + constants.signals[signal]));
    }
  }
  const child = spawn(file, args, { ...options, detached: true });
  running.add(child);
  child.once("error", () => running.delete(child));
  // What it has left behind goes with it.
  child.once("exit", () => kill(child, "SIGKILL"));
  child.once("close", () => running.delete(child));
  return child;
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  if (!running.has(child)) {
    return;
  }
  const closed = once(child, "close");
  kill(child, "SIGTERM");
  const patience = new AbortController();
  const impatient = sleep(stopMs, undefined, { signal: patience.signal }).then(
    () => kill(child, "SIGKILL"),
    () => {},
  );
  await closed;
  patience.abort();
  await impatient;
}

function killAll(): void {
  for (const child of running) {
    kill(child, "SIGKILL");
  }
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, signal);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}
