import type { Logger } from "pino";
import { isEmbedded } from "../settings/is-embedded.js";
import type { Settings } from "../settings/settings.js";

/**
 * Self-check logged after start: a line for each thing that the short form of `dynakv doctor` does not find well. It
 * never ends the server, and does nothing where the embedded engine serves.
 */
export async function logFindings(settings: Settings, logger: Logger, signal: AbortSignal): Promise<void> {
  if (isEmbedded(settings)) {
    return;
  }
  try {
    const { examineRunning } = await import("../doctor/examine.js");
    for (const { level, subject, detail, advice } of await examineRunning(settings, signal)) {
      if (level === "warning" || level === "failure") {
        logger[level === "failure" ? "error" : "warn"]({ subject, advice }, detail);
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      logger.warn({ error: (error as Error).name }, "self-check failed; run dynakv doctor");
    }
  }
}
