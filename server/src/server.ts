import { setMaxListeners } from "node:events";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { createRequestIds } from "../../client/src/request-ids.js";
import { createLogger } from "./logger.js";
import { createInfoService } from "./service/info-service.js";
import { createKeyValueService } from "./service/key-value-service.js";
import { splitAddress, splitOrigins } from "./settings/check-setting.js";
import { completeSettings } from "./settings/complete-settings.js";
import type { Settings } from "./settings/settings.js";
import { type Backend, createBackend } from "./store/backend.js";
import { type Connection, type EngineAddress, openConnection } from "./store/connection.js";
import type { Clock } from "./store/entry.js";
import { createItemLayout } from "./store/item-layout.js";
import { createRetryBudget } from "./store/retry.js";
import { createStore } from "./store/store.js";
import type { StoreContext } from "./store/store-context.js";
import { createCallErrors } from "./transport/call-errors.js";
import { createCallHandlers } from "./transport/call-handlers.js";
import { createHealth } from "./transport/health.js";
import { createPort } from "./transport/port.js";
import { createServices, servedServices } from "./transport/routes.js";
import { version } from "./version.js";

/** What a server is built from. Every setting of the command line can be given, but for `workers`; the defaults are the same. */
export interface ServerOptions extends Partial<Omit<Settings, "workers">> {
  /**
   * A client of the caller's own, with its region, endpoint and credentials, instead of one made from the settings. It is
   * used with its middleware but without its retries (dynakv decides what may be repeated), and is not destroyed by stop.
   */
  client?: DynamoDBClient;
  /** An embedded engine that runs already, in another process of this machine, instead of one of the server's own. */
  engine?: EngineAddress;
  /** A logger of the caller's own, instead of one to stderr made from logLevel and logFormat. */
  logger?: Logger;
  /** Tells the time in milliseconds since the epoch; the default is Date.now. For tests of expiry. */
  clock?: Clock;
}

/** A server that was built, and can be started once. */
export interface Server {
  /**
   * Sets the table up and listens. Resolves once calls are answered; an endpoint that cannot be reached yet does not keep
   * it from that. Rejects, with everything closed again, when the address is taken, the engine's folder cannot be used,
   * or the table does not fit; the message is made for people.
   */
  start(): Promise<StartedServer>;
  /**
   * Stops: takes no more calls, lets those that run finish within drainSeconds, then closes everything. Calls that are cut
   * off get UNAVAILABLE. May be called more than once.
   */
  stop(): Promise<void>;
}

export interface StartedServer {
  /** Where it listens, such as `http://127.0.0.1:50051`. */
  readonly url: string;
  /** Whether the embedded engine serves it. */
  readonly embedded: boolean;
}

/** How long calls that are cut off have to tell their callers so. */
const farewellMs = 500;

export function createServer(options: ServerOptions = {}): Server {
  const { settings, warnings } = completeSettings(options);
  const logger = options.logger ?? createLogger({ level: settings.logLevel, format: settings.logFormat });
  const clock = options.clock ?? Date.now;
  const closers: (() => Promise<void>)[] = [];
  let starting: Promise<StartedServer> | undefined;
  let stopped: Promise<void> | undefined;

  async function start(): Promise<StartedServer> {
    for (const warning of warnings) {
      logger.warn(warning);
    }
    const connection = await openConnection(settings, options);
    closers.push(() => connection.close());
    refuseStopped();
    const context = createContext(settings, connection, clock);
    const health = createHealth(servedServices.map(({ typeName }) => typeName));
    const backend = createBackend({
      context,
      setup: { ...settings, waitMs: settings.tableWaitSeconds * 1000 },
      ttl: settings.ttlSeconds === undefined ? undefined : settings.ttlSeconds >= 0 ? "enabled" : "disabled",
      embedded: connection.embedded,
      log: logger,
      onServing: (serving) => health.set(serving),
    });
    closers.push(() => backend.stop());
    await backend.start();
    refuseStopped();

    const shutdown = new AbortController();
    // Every running call listens to it.
    setMaxListeners(0, shutdown.signal);
    const limits = {
      maxRequestBytes: settings.maxRequestBytes,
      maxDeadlineMs: settings.maxDeadlineSeconds * 1000,
    };
    const callErrors = createCallErrors(logger, limits);
    const services = createServices({
      ...createImplementations(settings, context, connection, backend),
      health: health.implementation,
    });
    const port = createPort({
      ...createCallHandlers({
        ...limits,
        services,
        callErrors,
        shutdownSignal: shutdown.signal,
        corsOrigins: splitOrigins(settings.corsOrigins),
      }),
      maxStreams: settings.maxStreams,
    });
    const { host, port: wanted } = splitAddress(settings.listen);
    const { port: actual } = await port.listen(host, wanted).catch((error: unknown) => {
      throw listenError(settings.listen, error);
    });
    closers.push(async () => {
      health.close();
      const drainMs = settings.drainSeconds * 1000;
      const timer = setTimeout(() => shutdown.abort(shutdownError()), drainMs);
      await port.close(drainMs + farewellMs);
      clearTimeout(timer);
      shutdown.abort(shutdownError());
    });

    const url = `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
    logger.info({ version, url, table: settings.table, embedded: connection.embedded }, "serving");
    return { url, embedded: connection.embedded };
  }

  function refuseStopped(): void {
    if (stopped !== undefined) {
      throw new Error("the server was stopped while it started");
    }
  }

  // In the reverse order of their opening: the port first, and the engine, which the last calls still need, at the end.
  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) {
      throw failures[0];
    }
  }

  async function startOrClose(): Promise<StartedServer> {
    try {
      const started = await start();
      refuseStopped();
      return started;
    } catch (error) {
      // What failed first is what is told.
      await closeAll().catch(() => {});
      throw error;
    }
  }

  return {
    start() {
      starting ??= startOrClose();
      return starting;
    },
    stop() {
      stopped ??= (async () => {
        logger.info("stopping");
        await closeAll();
        // A start that was under way closes what it has opened since.
        await starting?.catch(() => {});
        logger.info("stopped");
      })();
      return stopped;
    },
  };
}

function createContext(settings: Settings, { client, dynamodb }: Connection, clock: Clock): StoreContext {
  const { ttlSeconds } = settings;
  return {
    client,
    dynamodb,
    layout: createItemLayout(settings),
    clock,
    budget: createRetryBudget(),
    defaultExpirySeconds: ttlSeconds !== undefined && ttlSeconds > 0 ? ttlSeconds : undefined,
    batchConcurrency: settings.mgetConcurrency,
    requests: {
      windowMs: settings.requestWindowSeconds * 1000,
      maxWriters: settings.requestWindowWriters,
      ids: createRequestIds(clock),
    },
    engine: { returnsOldItems: false },
  };
}

function createImplementations(settings: Settings, context: StoreContext, { embedded }: Connection, backend: Backend) {
  const defaultDeadlineMs = settings.defaultDeadlineSeconds * 1000;
  return {
    keyValue: createKeyValueService({ store: createStore(context), clock: context.clock, defaultDeadlineMs }),
    info: createInfoService({
      embedded,
      names: context.layout.names,
      maxRequestBytes: settings.maxRequestBytes,
      maxDeadlineMs: settings.maxDeadlineSeconds * 1000,
      defaultDeadlineMs,
      requestWindowMs: context.requests.windowMs,
      maxRequestWriters: context.requests.maxWriters,
      defaultExpirySeconds: context.defaultExpirySeconds,
      autoExpiry: () => backend.autoExpiry,
    }),
  };
}

/** Why an address cannot be listened on, and what to do about it. */
function listenError(address: string, cause: unknown): Error {
  const { code } = cause as { code?: string };
  const problems: Record<string, string> = {
    EADDRINUSE: "it is in use; stop what uses it, or choose another with listen (port 0 picks a free one)",
    EADDRNOTAVAIL: "this machine does not have that address; choose another with listen",
    EACCES: "this user may not use that port; choose one above 1023 with listen",
    ENOTFOUND: "there is no such host; choose another with listen",
  };
  return new Error(`cannot listen on ${address}: ${problems[code ?? ""] ?? code ?? "it failed"}`, { cause });
}

function shutdownError(): ConnectError {
  return new ConnectError("the server is shutting down", Code.Unavailable);
}
