import type { Server, StartedServer } from "../server.js";
import { renderHelp } from "../settings/help.js";
import { loadSettings, UsageError } from "../settings/load-settings.js";
import type { Settings } from "../settings/settings.js";
import { version } from "../version.js";
import { exitCodes } from "./exit-codes.js";

/**
 * Ctrl-C reaches `npm start` and the server at once, and npm passes it on: within this time of the first, a signal is
 * taken for the same one.
 */
const sameSignalMs = 100;

/** Runs `dynakv serve` until a signal ends it. Failures end the process, with one line on stderr. */
export async function serve(argv: readonly string[]): Promise<void> {
  try {
    const loaded = loadSettings({ argv, env: process.env });
    switch (loaded.kind) {
      case "help":
        process.stdout.write(renderHelp());
        return;
      case "version":
        process.stdout.write(`dynakv ${version}\n`);
        return;
      case "settings":
        await run(loaded.settings, loaded.warnings);
    }
  } catch (error) {
    const message = error instanceof Error && error.message !== "" ? error.message : "failed for an unknown reason";
    process.stderr.write(`dynakv: ${message.replace(/\s*\n\s*/g, " ")}\n`);
    process.exit(error instanceof UsageError ? exitCodes.usage : exitCodes.failure);
  }
}

async function run(settings: Settings, warnings: readonly string[]): Promise<void> {
  if (settings.workers > 1) {
    const { runWorkers } = await import("./workers.js");
    await runWorkers(settings, warnings);
    process.exit(exitCodes.done);
  }
  // The SDK's own switch for a notice about versions of 2027, which would stand above every start on Node 20. It is read
  // when the first client is made.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const [{ createServer }, { createLogger }] = await Promise.all([import("../server.js"), import("../logger.js")]);
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat });
  for (const warning of warnings) {
    logger.warn(warning);
  }
  const { workers: _, ...options } = settings;
  const server = createServer({ ...options, logger });
  const stopping = new AbortController();
  const stopped = stopOnSignal(() => {
    stopping.abort();
    return server.stop();
  });
  const started = await Promise.race([startUnless(server, stopping.signal), stopped]);
  if (started !== undefined) {
    process.stdout.write(renderReady(settings, started));
  }
  await stopped;
  process.exit(exitCodes.done);
}

/** Starts the server. A start that fails because it was stopped, while it waited for the table say, is no failure. */
async function startUnless(server: Server, stopping: AbortSignal): Promise<StartedServer | undefined> {
  try {
    return await server.start();
  } catch (error) {
    if (stopping.aborted) {
      return undefined;
    }
    throw error;
  }
}

/** Resolves once the first signal has come and everything is stopped. A second one ends the process at once. */
export function stopOnSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (first === undefined) {
          first = now;
          stop().then(resolve, reject);
        } else if (now - first > sameSignalMs) {
          process.exit(exitCodes[signal]);
        }
      });
    }
  });
}

export function renderReady(settings: Settings, { url, embedded }: StartedServer): string {
  const { data, endpoint, region, table } = settings;
  const backend = embedded
    ? `embedded engine, data in ${data}`
    : `DynamoDB ${endpoint === undefined ? `in ${region ?? "the region of the AWS chain"}` : `at ${endpoint}`}, table ${table}`;
  // One can listen on all addresses, but call only one.
  const callable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const get = `${callable}/dynakv.v1.KeyValueService/Get`;
  return `dynakv ${version} listening on ${url} (${backend})
npx buf curl -d '{"key":"hello"}' ${get}
`;
}
