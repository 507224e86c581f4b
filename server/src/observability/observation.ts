import type { Logger } from "pino";
import type { Interceptors } from "../calls/pipeline.js";
import type { Settings } from "../settings/settings.js";
import type { RequestObservers } from "../store/dynamodb/observed-requests.js";
import { type AccessLog, createAccessLog } from "./access-log.js";
import { createAdminPort } from "./admin-port.js";
import { createConsumedCapacity } from "./consumed-capacity.js";
import type { Metrics } from "./metrics/metrics.js";
import type { Tracing } from "./tracing/tracing.js";
import { type Environment, wantedExporter } from "./tracing/wants-traces.js";

/** All by which an operator sees what the server does. */
export interface Observation {
  readonly accessLog: AccessLog;
  /** The interceptors of the pipeline that are here. */
  readonly interceptors: Pick<Interceptors, "accessLog" | "metrics" | "tracing" | "consumedCapacity">;
  readonly requests: RequestObservers;
  readonly metrics: Metrics | undefined;
  /** Sends and closes what is left. */
  stop(): Promise<void>;
}

export interface ObservationOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Environment with OpenTelemetry's variables. */
  readonly environment: Environment;
  /** The metrics to count into, when another process shows them. */
  readonly metrics: Metrics | undefined;
}

/** Time that stopping waits for the last traces, beside the time for the calls themselves. */
const exportMs = 2000;

/** Prepares what was asked for, and loads nothing else: prom-client and OpenTelemetry cost memory and time to start. */
export async function openObservation(options: ObservationOptions): Promise<Observation> {
  const { settings, logger, environment } = options;
  const areWanted = settings.adminListen !== undefined || (settings.console ?? "off") !== "off";
  const metrics = options.metrics ?? (areWanted ? await loadMetrics(settings) : undefined);
  const tracing = wantedExporter(environment) === undefined ? undefined : await loadTracing(environment, logger);
  const accessLog = createAccessLog({ ...settings, logger });
  const consumed = createConsumedCapacity();
  return {
    accessLog,
    interceptors: {
      accessLog: accessLog.interceptor,
      metrics: metrics?.interceptor,
      tracing: tracing?.interceptor,
      consumedCapacity: consumed.interceptor,
    },
    requests: {
      all: metrics === undefined ? [] : [metrics.observer],
      initiated: [consumed.observer, ...(tracing ? [tracing.observer] : [])],
    },
    metrics,
    stop: async () => tracing?.stop(exportMs),
  };
}

/** Metrics for one process. */
export async function loadMetrics({ table }: Pick<Settings, "table">): Promise<Metrics> {
  const { createMetrics } = await import("./metrics/metrics.js");
  return createMetrics(table);
}

async function loadTracing(environment: Environment, logger: Logger): Promise<Tracing | undefined> {
  const { startTracing } = await import("./tracing/tracing.js");
  return startTracing(environment, logger);
}

/** The admin port of a process that shows its own metrics. */
export async function createOwnAdminPort(metrics: Metrics) {
  const { pageContentType, renderPage } = await import("./metrics/page.js");
  return createAdminPort({
    metrics: async () => renderPage(await metrics.read()),
    metricsType: pageContentType,
    isReady: () => metrics.isReady,
  });
}
