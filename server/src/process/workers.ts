/** `dynakv serve --workers N`: a process that serves nothing itself, and others that share its port. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { memoryLimit } from "../admission/memory-limit.js";
import { startEmbeddedEngine } from "../embedded/embedded-engine.js";
import type { StartedServer } from "../server-options.js";
import { isEmbedded } from "../settings/is-embedded.js";
import type { Settings } from "../settings/settings.js";
import type { EngineAddress } from "../store/dynamodb/open-connection.js";
import { logFindings } from "./log-findings.js";
import { renderReady } from "./ready-message.js";
import type { SecretVariables } from "./secret-variables.js";
import { stopOnSignal } from "./signals.js";
import { startUnless } from "./start-unless.js";
import {
  answerMetricsOrders,
  type MetricsOrder,
  type MetricsReport,
  openWorkersAdminPort,
  type ReadinessReport,
} from "./worker-metrics.js";

/** Messages from the primary to a worker. */
type Order =
  | { readonly kind: "start"; readonly engine: EngineAddress | undefined }
  | { readonly kind: "stop" }
  | MetricsOrder;

/** Messages from a worker to the primary: first that it listens, since earlier orders would be lost. */
type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "started"; readonly started: StartedServer }
  | { readonly kind: "failed"; readonly message: string }
  | MetricsReport
  | ReadinessReport;

/** Delay before a worker that ended is replaced. */
const replaceMs = 1000;

/** Longest time that a worker may take to stop after the time that its calls have to finish in. */
const stopMs = 10_000;

/** This process's part, until a signal ends all of them. */
export function runWorkers(
  settings: Settings,
  warnings: readonly string[],
  logger: Logger,
  secrets: SecretVariables,
): Promise<void> {
  const { worker } = cluster;
  return worker === undefined
    ? runPrimary(settings, warnings, logger, secrets)
    : runWorker(settings, logger.child({ worker: worker.id }), secrets);
}

/**
 * Starts the workers, and the embedded engine if that is what they serve from, until a signal ends them. A worker that ends by
 * itself is replaced. Rejects when one cannot start.
 */
async function runPrimary(
  settings: Settings,
  warnings: readonly string[],
  logger: Logger,
  secrets: SecretVariables,
): Promise<void> {
  for (const warning of warnings) {
    logger.warn(warning);
  }
  const engine = isEmbedded(settings) ? await startEmbeddedEngine({ data: settings.data }) : undefined;
  const address = engine && { endpoint: engine.endpoint, region: engine.region, credentials: engine.credentials };
  const admin = await openWorkersAdminPort(settings, logger);
  const workers = new Set<Worker>();
  let isStopping = false;

  async function startWorker(): Promise<StartedServer> {
    const worker = cluster.fork(secrets);
    workers.add(worker);
    const ended = once(worker, "exit").then(([code, signal]: unknown[]) => {
      workers.delete(worker);
      return `worker ${worker.id} ended with ${signal ?? code}`;
    });
    const started = await new Promise<StartedServer>((resolve, reject) => {
      void ended.then((how) => reject(new Error(`${how} before it was ready`)));
      worker.on("message", (report: Report) => {
        switch (report.kind) {
          case "ready":
            // An order to stop that came before was not heard.
            tell(worker, isStopping ? { kind: "stop" } : { kind: "start", engine: address });
            break;
          case "started":
            resolve(report.started);
            break;
          case "failed":
            reject(new Error(report.message));
        }
      });
    });
    admin?.add(worker);
    logger.info({ worker: worker.id, pid: worker.process.pid }, "worker ready");
    void ended.then((how) => replaceUnlessStopping(how));
    return started;
  }

  async function replaceUnlessStopping(how: string): Promise<void> {
    for (let why = how; !isStopping; ) {
      logger.error(why);
      await sleep(replaceMs);
      if (isStopping) {
        return;
      }
      try {
        await startWorker();
        return;
      } catch (error) {
        why = (error as Error).message;
      }
    }
  }

  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(
      [...workers].map(async (worker) => {
        const ended = once(worker, "exit");
        tell(worker, { kind: "stop" });
        const patience = setTimeout(
          () => {
            logger.error({ worker: worker.id }, "worker did not stop in time; killing it");
            worker.process.kill("SIGKILL");
          },
          settings.drainSeconds * 1000 + stopMs,
        );
        await ended;
        clearTimeout(patience);
      }),
    );
    await engine?.stop();
    await admin?.close();
  }

  const stopped = stopOnSignal(stop);
  // Cleans up after a signal that ends this process at once.
  process.once("exit", () => {
    for (const worker of workers) {
      worker.process.kill("SIGKILL");
    }
  });
  const starting = Promise.all(Array.from({ length: settings.workers }, startWorker));
  const started = await Promise.race([starting, stopped]).catch((error: unknown) => {
    // Those that a signal has stopped while they started have not failed.
    if (!isStopping) {
      throw error;
    }
  });
  if (started !== undefined) {
    process.stdout.write(renderReady(settings, started[0] as StartedServer));
  }
  await stopped;
}

/** Serves calls until the primary says to stop, or is gone. */
async function runWorker(allSettings: Settings, logger: Logger, secrets: SecretVariables): Promise<void> {
  const { workers, adminListen, ...settings } = allSettings;
  const orders = takeOrders(logger);
  await report({ kind: "ready" });
  const start = await Promise.race([orders.start, orders.stop]);
  if (start === undefined) {
    return;
  }
  const { createServer } = await import("../server.js");
  // The primary shows them.
  const metrics =
    adminListen === undefined
      ? undefined
      : await (await import("../observability/observation.js")).loadMetrics(settings);
  const server = createServer({
    ...settings,
    // They share the memory that there is.
    memoryBytes: settings.memoryBytes || memoryLimit(workers),
    logger,
    secretVariables: secrets,
    ...(metrics && { metrics }),
    ...(start.engine && { engine: start.engine }),
  });
  if (metrics !== undefined) {
    answerMetricsOrders(metrics);
  }
  const stopping = new AbortController();
  const stopped = orders.stop.then(() => {
    stopping.abort();
    return server.stop();
  });
  try {
    const started = await startUnless(server, stopping.signal);
    if (started !== undefined) {
      await report({ kind: "started", started });
    }
  } catch (error) {
    await report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exit(exitCodes.failure);
  }
  if (cluster.worker?.id === 1) {
    // One is enough; the others would find the same.
    void logFindings(allSettings, logger, stopping.signal);
  }
  await stopped;
}

interface Orders {
  readonly start: Promise<Extract<Order, { kind: "start" }>>;
  /** Resolves when this process shall end: the primary says so, or has gone, or a signal came. */
  readonly stop: Promise<void>;
}

/** Listens from the first line on: an order that comes while nothing listens, as while modules are loaded, is lost. */
function takeOrders(logger: Logger): Orders {
  // Ctrl-C reaches every process of the terminal; the primary tells when to stop.
  process.on("SIGINT", () => {});
  let start: (order: Extract<Order, { kind: "start" }>) => void;
  let stop: () => void;
  const orders = {
    start: new Promise<Extract<Order, { kind: "start" }>>((resolve) => {
      start = resolve;
    }),
    stop: new Promise<void>((resolve) => {
      stop = resolve;
    }),
  };
  process.on("message", (order: Order) => {
    if (order.kind === "start") {
      start(order);
    } else if (order.kind === "stop") {
      stop();
    }
  });
  process.once("SIGTERM", () => stop());
  process.once("disconnect", () => {
    logger.warn("parent process exited");
    stop();
  });
  return orders;
}

function tell(worker: Worker, order: Order): void {
  // It may be gone already.
  worker.send(order, () => {});
}

/** Resolves once it is said, or cannot be. */
function report(message: Report): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, {}, () => resolve());
  });
}
