import type { Logger } from "pino";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { describeDefect } from "../errors/describe-defect.js";

/**
 * Ends the process when something was thrown that nobody caught, as Node does, but tells only what it was and where. Node would
 * print the message, which can quote keys, values and headers, and write it into a diagnostic report, if it was told to make one.
 */
export function dieWithoutSecrets(logger: Logger): void {
  process.on("uncaughtException", (error) => {
    logger.fatal({ defect: describeDefect(error) }, "fatal: uncaught error");
    const { report } = process;
    if (report?.reportOnUncaughtException) {
      report.writeReport(withoutMessage(error));
    }
    process.exit(exitCodes.failure);
  });
}

/** The same, as far as it can be shown. */
function withoutMessage(error: unknown): Error {
  const { name, stack = [] } = describeDefect(error);
  const shown = new Error("message redacted: it may contain user data");
  shown.name = name;
  shown.stack = [`${name}: ${shown.message}`, ...stack].join("\n");
  return shown;
}
