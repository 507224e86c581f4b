import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { UsageError } from "../../../common/command-line/usage-error.js";

/** Ends the process for what went wrong, with one line on stderr. */
export function endWith(error: unknown): never {
  const message = error instanceof Error && error.message !== "" ? error.message : "failed for an unknown reason";
  process.stderr.write(`dynakv: ${message.replace(/\s*\n\s*/g, " ")}\n`);
  process.exit(error instanceof UsageError ? exitCodes.usage : exitCodes.failure);
}
