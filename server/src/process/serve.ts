// Before anything that loads protobuf-es.
import "./native-base64.js";

import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { endWithoutOutput } from "../../../common/command-line/output.js";
import { version } from "../../../common/version.js";
import { isConsoleBuilt } from "../calls/console/load-console.js";
import { openToAll } from "../settings/check-access.js";
import { renderHelp } from "../settings/help.js";
import { isEmbedded } from "../settings/is-embedded.js";
import { loadSettings } from "../settings/load-settings.js";
import type { Settings } from "../settings/settings.js";
import { dieWithoutSecrets } from "./crash.js";
import { endWith } from "./end-with.js";
import { logFindings } from "./log-findings.js";
import { renderReady } from "./ready-message.js";
import { type SecretVariables, takeSecrets, withCredentials } from "./secret-variables.js";
import { stopOnSignal } from "./signals.js";
import { startUnless } from "./start-unless.js";

/** Runs `dynakv serve` until a signal ends it. Failures end the process, with one line on stderr. */
export async function serve(argv: readonly string[]): Promise<void> {
  try {
    const loaded = loadSettings({ argv, env: process.env });
    switch (loaded.kind) {
      case "help":
        endWithoutOutput();
        process.stdout.write(renderHelp());
        return;
      case "version":
        endWithoutOutput();
        process.stdout.write(`dynakv ${version}\n`);
        return;
      case "settings":
        await run(loaded.settings, [...loaded.warnings, ...openToAll(loaded.settings)], takeSecrets(process.env));
    }
  } catch (error) {
    endWith(error);
  }
}

/** Whoever tries dynakv on a machine of their own should see it. A console that was asked for and is not there is an error instead. */
function withConsole(settings: Settings): Settings {
  const isWanted = settings.console === undefined && isEmbedded(settings) && isConsoleBuilt();
  return isWanted ? { ...settings, console: "on" } : settings;
}

async function run(given: Settings, warnings: readonly string[], secrets: SecretVariables): Promise<void> {
  const settings = withConsole(withCredentials(given, secrets, process.env));
  // The SDK's own switch for a notice about versions of 2027, which would stand above every start on Node 20. It is read
  // when the first client is made.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const { createLogger } = await import("../observability/logger.js");
  const logger = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    buffered: settings.accessLog === "all",
  });
  dieWithoutSecrets(logger);
  if (settings.workers > 1) {
    const { runWorkers } = await import("./workers.js");
    await runWorkers(settings, warnings, logger, secrets);
    process.exit(exitCodes.done);
  }
  const { createServer } = await import("../server.js");
  for (const warning of warnings) {
    logger.warn(warning);
  }
  const { workers: _, ...options } = settings;
  const server = createServer({ ...options, logger, secretVariables: secrets });
  const stopping = new AbortController();
  const stopped = stopOnSignal(() => {
    stopping.abort();
    return server.stop();
  });
  const started = await Promise.race([startUnless(server, stopping.signal), stopped]);
  if (started !== undefined) {
    process.stdout.write(renderReady(settings, started));
    void logFindings(settings, logger, stopping.signal);
  }
  await stopped;
  process.exit(exitCodes.done);
}
