import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { endWithoutOutput } from "../../../common/command-line/output.js";
import { version } from "../../../common/version.js";
import type { Server, StartedServer } from "../server.js";
import { renderHelp } from "../settings/help.js";
import { loadSettings } from "../settings/load-settings.js";
import type { Settings } from "../settings/settings.js";
import { dieWithoutSecrets } from "./crash.js";
import { endWith } from "./end-with.js";
import { logFindings } from "./log-findings.js";
import { type SecretVariables, takeSecrets, withCredentials } from "./secret-variables.js";

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
        endWithoutOutput();
        process.stdout.write(renderHelp());
        return;
      case "version":
        endWithoutOutput();
        process.stdout.write(`dynakv ${version}\n`);
        return;
      case "settings":
        await run(loaded.settings, loaded.warnings, takeSecrets(process.env));
    }
  } catch (error) {
    endWith(error);
  }
}

async function run(given: Settings, warnings: readonly string[], secrets: SecretVariables): Promise<void> {
  const settings = withCredentials(given, secrets, process.env);
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

/** Starts the server. A start that fails because it was stopped, while it waited for the table say, is no failure. */
export async function startUnless(server: Server, stopping: AbortSignal): Promise<StartedServer | undefined> {
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
  return `dynakv ${version} listening on ${url} (${backend})
${renderExample(settings, url)}
`;
}

/** A command that can be copied: what only the caller has stands there in capitals. */
function renderExample(settings: Settings, url: string): string {
  const { tlsCert, tlsClientCa, tlsClientAuth, tokensFile, jwks, introspection } = settings;
  // One can listen on all addresses, but call only one.
  const callable = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const needsToken = tokensFile !== undefined || jwks !== undefined;
  const needsCertificate = tlsClientCa !== undefined && (!needsToken || tlsClientAuth === "required");
  // Without reflection buf curl would need the schema.
  const isDescribed = introspection !== "off";
  return [
    isDescribed ? "npx buf curl" : "curl -H 'content-type: application/json'",
    // A certificate vouches for itself, whoever has issued it.
    ...(tlsCert === undefined ? [] : [`--cacert ${quote(tlsCert)}`]),
    ...(tlsCert === undefined || !isDescribed ? [] : serverName(tlsCert, callable)),
    ...(needsCertificate ? ["--cert CERT.pem --key KEY.pem"] : []),
    ...(needsToken ? ["-H 'authorization: Bearer TOKEN'"] : []),
    ...(needsToken && isDescribed && introspection !== "open" ? ["--reflect --reflect-header '*'"] : []),
    `-d '{"key":"hello"}' ${callable}/dynakv.v1.KeyValueService/Get`,
  ].join(" ");
}

/** Names the host that a certificate is for, where it is called by another, such as 127.0.0.1. */
function serverName(tlsCert: string, url: string): string[] {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const certificate = readCertificate(tlsCert);
  const [, name] = /(?:^|, )DNS:([\w.-]+)/.exec(certificate?.subjectAltName ?? "") ?? [];
  return certificate === undefined ||
    name === undefined ||
    (certificate.checkIP(host) ?? certificate.checkHost(host)) !== undefined
    ? []
    : [`--servername ${name}`];
}

/** Undefined for a file that is being exchanged since the server has loaded it. */
function readCertificate(path: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
