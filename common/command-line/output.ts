import { once } from "node:events";
import { exitCodes } from "./exit-codes.js";

/**
 * Handles output that cannot be written; a server ignores it. `dynakv export | head` is no failure worth a
 * line; a full disk is.
 */
export function endWithoutOutput(): void {
  for (const name of ["stdout", "stderr"] as const) {
    process[name].on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EPIPE") {
        process.exit(exitCodes.SIGPIPE);
      }
      if (name === "stdout") {
        process.stderr.write(`dynakv: stdout cannot be written (${code ?? "it failed"})\n`);
      }
      process.exit(exitCodes.failed);
    });
  }
}

/** Writes to stdout, and waits while its reader has enough. */
export async function print(data: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(data)) {
    await once(process.stdout, "drain");
  }
}

/** Says a word to a person. A script has the exit code. */
export async function acknowledge(): Promise<void> {
  if (process.stdout.isTTY) {
    await print("OK\n");
  }
}
