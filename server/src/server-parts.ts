// The parts of a server whose options are made from several settings.

import type { Logger } from "pino";
import type { CallLimits } from "./admission/call-limits.js";
import type { Console } from "./calls/console/console.js";
import type { ConnectionLimitOptions } from "./listener/connection-limits.js";
import { createCountedWarning } from "./observability/counted-warning.js";
import { metricDefinitions } from "./observability/metrics/definitions.js";
import type { Metrics } from "./observability/metrics/metrics.js";
import type { Observation } from "./observability/observation.js";
import { createInfoService } from "./service/info-service.js";
import { createKeyValueService } from "./service/key-value-service.js";
import { createScanCursors } from "./service/scan-cursors.js";
import type { Settings } from "./settings/settings.js";
import { createRequestWindow } from "./store/counters/request-window.js";
import type { Connection } from "./store/dynamodb/connection.js";
import { observeRequests } from "./store/dynamodb/observed-requests.js";
import { createRetryBudget } from "./store/dynamodb/retry.js";
import type { Clock } from "./store/layout/entry.js";
import { createItemLayout } from "./store/layout/item-layout.js";
import { createItemSizes } from "./store/reads/item-sizes.js";
import { createStore } from "./store/store.js";
import type { StoreContext } from "./store/store-context.js";
import type { Backend } from "./store/table/backend.js";
export function createContext(
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
export async function openConsoleOf(
  { console = "off", introspection }: Settings,
  metrics: Metrics | undefined,
): Promise<Console | undefined> {
  if (console === "off") {
    return undefined;
  }
  const { openConsole } = await import("./calls/console/console.js");
  return openConsole({ mode: console, figures: introspection === "off" ? undefined : metrics?.figures });
}

export function createPortLimits(
  settings: Settings,
  logger: Logger,
  metrics: Metrics | undefined,
): ConnectionLimitOptions {
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

export function createImplementations(
  settings: Settings,
  context: StoreContext,
  { embedded }: Connection,
  backend: Backend,
) {
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
