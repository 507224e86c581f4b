import { setMaxListeners } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import { version } from "../../common/version.js";
import { openAccess } from "./access/access.js";
import { createCallLimits } from "./admission/call-limits.js";
import { memoryLimit } from "./admission/memory-limit.js";
import { createAllowedOrigins } from "./calls/allowed-origins.js";
import { createDeadlineInterceptor } from "./calls/deadline.js";
import { createDispatch } from "./calls/dispatch.js";
import { createErrorReporter } from "./calls/errors/report-error.js";
import { createHealth } from "./calls/health.js";
import { createHostGuard } from "./calls/host-guard.js";
import { createPipeline } from "./calls/pipeline.js";
import { createServices, methodsByPath, servedServices } from "./calls/routes.js";
import { listenOn } from "./listener/listen-on.js";
import { createPort, type Port } from "./listener/port.js";
import { createCountedWarning } from "./observability/counted-warning.js";
import { createLogger } from "./observability/logger.js";
import { metricDefinitions } from "./observability/metrics/definitions.js";
import { createOwnAdminPort, type Observation, openObservation } from "./observability/observation.js";
import type { Server, ServerOptions, StartedServer } from "./server-options.js";
import { createContext, createImplementations, createPortLimits, openConsoleOf } from "./server-parts.js";
import { servesItsMachineAlone } from "./settings/check-access.js";
import { completeSettings } from "./settings/complete-settings.js";
import { splitList } from "./settings/text-checks.js";
import { openConnection } from "./store/dynamodb/open-connection.js";
import { createBackend } from "./store/table/backend.js";

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

function shutdownError(): ConnectError {
  return new ConnectError("the server is shutting down", Code.Unavailable);
}
