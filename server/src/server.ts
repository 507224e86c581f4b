import { setMaxListeners } from "node:events";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { version } from "../../common/version.js";
import { openAccess } from "./access/access.js";
import { type CallLimits, createCallLimits } from "./admission/call-limits.js";
import { memoryLimit } from "./admission/memory-limit.js";
import { createAllowedOrigins } from "./calls/allowed-origins.js";
import type { Console } from "./calls/console/console.js";
import { createDeadlineInterceptor } from "./calls/deadline.js";
import { createDispatch } from "./calls/dispatch.js";
import { createErrorReporter } from "./calls/errors/report-error.js";
import { createHealth } from "./calls/health.js";
import { createHostGuard } from "./calls/host-guard.js";
import { createPipeline } from "./calls/pipeline.js";
import { createServices, methodsByPath, servedServices } from "./calls/routes.js";
import type { ConnectionLimitOptions } from "./listener/connection-limits.js";
import { listenOn } from "./listener/listen-on.js";
import { createPort, type Port } from "./listener/port.js";
import { createCountedWarning } from "./observability/counted-warning.js";
import { createLogger } from "./observability/logger.js";
import { metricDefinitions } from "./observability/metrics/definitions.js";
import type { Metrics } from "./observability/metrics/metrics.js";
import { createOwnAdminPort, type Observation, openObservation } from "./observability/observation.js";
import { createInfoService } from "./service/info-service.js";
import { createKeyValueService } from "./service/key-value-service.js";
import { createScanCursors } from "./service/scan-cursors.js";
import { servesItsMachineAlone } from "./settings/check-access.js";
import { completeSettings } from "./settings/complete-settings.js";
import type { Settings } from "./settings/settings.js";
import { splitList } from "./settings/text-checks.js";
import { createRequestWindow } from "./store/counters/request-window.js";
import type { Connection } from "./store/dynamodb/connection.js";
import { observeRequests } from "./store/dynamodb/observed-requests.js";
import { type EngineAddress, openConnection } from "./store/dynamodb/open-connection.js";
import { createRetryBudget } from "./store/dynamodb/retry.js";
import type { Clock } from "./store/layout/entry.js";
import { createItemLayout } from "./store/layout/item-layout.js";
import { createItemSizes } from "./store/reads/item-sizes.js";
import { createStore } from "./store/store.js";
import type { StoreContext } from "./store/store-context.js";
import { type Backend, createBackend } from "./store/table/backend.js";

/** Options of a server. Every setting of the command line can be given, but for `workers`; the defaults are the same. */
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
  /** Variables that were taken out of process.env since they hold secrets, such as OTEL_EXPORTER_OTLP_HEADERS. */
  secretVariables?: Readonly<Record<string, string>>;
  /** Metrics to count into, which another process shows, instead of an adminListen of its own. */
  metrics?: Metrics;
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
  /** Its URL, such as `http://127.0.0.1:50051`, or `https:` with TLS. */
  readonly url: string;
  /** True if the embedded engine serves it. */
  readonly embedded: boolean;
  /** True if the console is at `/console`. */
  readonly hasConsole: boolean;
  /** URL of metrics and health, if adminListen is set, such as `http://127.0.0.1:9464`. */
  readonly adminUrl?: string;
  /** Number of calls in flight that may write. */
  readonly writesInFlight: number;
}

/** Time that calls that are cut off have to tell their callers so. */
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
    let isTakingCalls = false;
    const { secretVariables, metrics } = options;
    const environment = { ...process.env, ...secretVariables };
    const observation = await openObservation({ settings, logger, environment, metrics });
    closers.push(() => observation.stop());
    const adminUrl = await openAdminPort(observation);
    let port: Port | undefined;
    const access = await openAccess(settings, { logger, clock, onNewAuthorities: () => port?.goAway() });
    closers.push(async () => access.close());
    const connection = await openConnection(settings, options);
    closers.push(() => connection.close());
    refuseStopped();
    const callLimits = createCallLimits({
      ...settings,
      defaultDeadlineMs: settings.defaultDeadlineSeconds * 1000,
      memoryBytes: settings.memoryBytes || memoryLimit(),
      isAdaptive: settings.overload === "adaptive",
      logger,
      onRefused: observation.metrics?.addCounter(metricDefinitions.shedCalls),
    });
    observation.metrics?.addGauge(metricDefinitions.callsWaiting, () => callLimits.waiting);
    observation.metrics?.addGauge(metricDefinitions.callLimit, () => callLimits.limit);
    observation.metrics?.addGauge(metricDefinitions.memoryHeld, () => callLimits.memory.held);
    observation.metrics?.addGauge(metricDefinitions.memoryLimit, () => callLimits.memory.limit);
    closers.push(async () => callLimits.stop());
    const context = createContext(settings, connection, clock, observation, callLimits);
    const health = createHealth(servedServices.map(({ typeName }) => typeName));
    const backend = createBackend({
      context,
      setup: { ...settings, waitMs: settings.tableWaitSeconds * 1000 },
      ttl: settings.ttlSeconds === undefined ? undefined : settings.ttlSeconds >= 0 ? "enabled" : "disabled",
      embedded: connection.embedded,
      log: logger,
      onServing: (serving) => {
        health.set(serving);
        showReady();
      },
    });
    closers.push(() => backend.stop());
    await backend.start();
    refuseStopped();

    const shutdown = new AbortController();
    // Every running call listens to it.
    setMaxListeners(0, shutdown.signal);
    const limits = {
      maxRequestBytes: settings.maxRequestBytes,
      maxKeys: settings.maxKeys,
      maxDeadlineMs: settings.maxDeadlineSeconds * 1000,
    };
    const services = createServices({
      ...createImplementations(settings, context, connection, backend),
      health: health.implementation,
    });
    observation.metrics?.addMethods(methodsByPath(services).values());
    const warnOfOrigin = createCountedWarning<"refused">(logger, "CORS: rejected origins that are not in corsOrigins");
    const isAllowedOrigin = createAllowedOrigins(splitList(settings.corsOrigins));
    const console = await openConsoleOf(settings, observation.metrics);
    const pipeline = createPipeline({
      ...observation.interceptors,
      hostGuard: servesItsMachineAlone(settings)
        ? createHostGuard({ allowedHosts: splitList(settings.allowedHosts.toLowerCase()), isAllowedOrigin })
        : undefined,
      identity: access.interceptor,
      deadline: createDeadlineInterceptor(limits.maxDeadlineMs),
      admission: callLimits.interceptor,
    });
    const serving = createPort({
      onExchange: createDispatch({
        ...limits,
        services,
        pipeline,
        errors: createErrorReporter(limits, (call) => observation.accessLog.failedLate(call)),
        memory: callLimits.memory,
        console,
        shutdownSignal: shutdown.signal,
        cors: {
          isAllowedOrigin,
          headers: splitList(settings.corsHeaders),
          allowsCredentials: settings.corsCredentials,
          onRefused: (origin) => warnOfOrigin("refused", origin),
        },
      }),
      maxStreams: settings.maxStreams,
      keepAliveMs: settings.http1KeepAliveSeconds * 1000,
      age:
        settings.maxConnectionAgeSeconds === 0
          ? undefined
          : {
              maxAgeMs: settings.maxConnectionAgeSeconds * 1000,
              graceMs: settings.connectionAgeGraceSeconds * 1000,
            },
      limits: createPortLimits(settings, logger, observation.metrics),
      tls: access.tls,
    });
    port = serving;
    const url = await listenOn(serving, "listen", settings.listen, access.tls === undefined ? "http" : "https");
    isTakingCalls = true;
    showReady();
    observation.metrics?.addGauge(metricDefinitions.connections, () => serving.connections);
    closers.push(async () => {
      isTakingCalls = false;
      health.close();
      showReady();
      const drainMs = settings.drainSeconds * 1000;
      const timer = setTimeout(() => shutdown.abort(shutdownError()), drainMs);
      await serving.close(drainMs + farewellMs);
      clearTimeout(timer);
      shutdown.abort(shutdownError());
    });

    logger.info({ version, url, adminUrl, table: settings.table, embedded: connection.embedded }, "serving");
    return {
      url,
      embedded: connection.embedded,
      hasConsole: console !== undefined,
      ...(adminUrl === undefined ? {} : { adminUrl }),
      get writesInFlight() {
        return callLimits.writes;
      },
    };

    function showReady(): void {
      if (observation.metrics !== undefined) {
        observation.metrics.isReady = isTakingCalls && health.current;
      }
    }
  }

  // The first to open and the last to close: it shows that the server starts, and that it stops.
  async function openAdminPort({ metrics }: Observation): Promise<string | undefined> {
    if (settings.adminListen === undefined || metrics === undefined) {
      return undefined;
    }
    const port = await createOwnAdminPort(metrics);
    const url = await listenOn(port, "adminListen", settings.adminListen);
    closers.push(() => port.close());
    return url;
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
      // The first failure is reported.
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
        // A start that had not finished closes what it has opened since.
        await starting?.catch(() => {});
        logger.info("stopped");
      })();
      return stopped;
    },
  };
}

function createContext(
  settings: Settings,
  { tables, dynamodb }: Connection,
  clock: Clock,
  { requests, metrics }: Observation,
  { batches, memory }: CallLimits,
): StoreContext {
  const { ttlSeconds } = settings;
  return {
    tables,
    dynamodb: observeRequests(dynamodb, requests),
    layout: createItemLayout(settings),
    clock,
    budget: createRetryBudget(metrics?.onRetry),
    counts: metrics?.counts,
    defaultExpirySeconds: ttlSeconds !== undefined && ttlSeconds > 0 ? ttlSeconds : undefined,
    batchConcurrency: settings.mgetConcurrency,
    batchSlots: batches,
    readRoom: memory.reads,
    itemSizes: createItemSizes(),
    requests: createRequestWindow(settings.requestWindowSeconds * 1000, settings.requestSlots, clock),
    engine: { returnsOldItems: false },
  };
}

/** Loaded only where it is wanted. Its figures are for those who may be told of the server at all. */
async function openConsoleOf(
  { console = "off", introspection }: Settings,
  metrics: Metrics | undefined,
): Promise<Console | undefined> {
  if (console === "off") {
    return undefined;
  }
  const { openConsole } = await import("./calls/console/console.js");
  return openConsole({ mode: console, figures: introspection === "off" ? undefined : metrics?.figures });
}

function createPortLimits(settings: Settings, logger: Logger, metrics: Metrics | undefined): ConnectionLimitOptions {
  const warn = createCountedWarning(logger, "connections closed");
  const count = metrics?.addCounter(metricDefinitions.connectionsClosed);
  return {
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
    bodyTimeoutMs: settings.bodyTimeoutSeconds * 1000,
    idleMs: settings.connectionIdleSeconds * 1000,
    resetsPerSecond: settings.maxResetsPerSecond,
    onClosed(why, address) {
      warn(why, address);
      count?.(why);
    },
  };
}

function createImplementations(settings: Settings, context: StoreContext, { embedded }: Connection, backend: Backend) {
  const defaultDeadlineMs = settings.defaultDeadlineSeconds * 1000;
  return {
    keyValue: createKeyValueService({
      store: createStore(context),
      clock: context.clock,
      cursors: createScanCursors(context.layout.names.table),
      defaultDeadlineMs,
      maxKeys: settings.maxKeys,
    }),
    info: createInfoService({
      embedded,
      names: context.layout.names,
      maxRequestBytes: settings.maxRequestBytes,
      maxKeys: settings.maxKeys,
      maxDeadlineMs: settings.maxDeadlineSeconds * 1000,
      defaultDeadlineMs,
      requestWindowMs: context.requests.windowMs,
      defaultExpirySeconds: context.defaultExpirySeconds,
      autoExpiry: () => backend.autoExpiry,
    }),
  };
}

function shutdownError(): ConnectError {
  return new ConnectError("the server is shutting down", Code.Unavailable);
}
