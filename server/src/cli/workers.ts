/** `dynakv serve --workers N`: a process that serves nothing itself, and others that share its port. */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { startEmbeddedEngine } from "../embedded/embedded-engine.js";
import { createLogger } from "../logger.js";
import { createServer, type StartedServer } from "../server.js";
import type { Settings } from "../settings/settings.js";
import { type EngineAddress, isEmbedded } from "../store/connection.js";
import { exitCodes } from "./exit-codes.js";
import { renderReady, stopOnSignal } from "./serve.js";

/** What the primary tells a worker. */
type Order = { readonly kind: "start"; readonly engine?: EngineAddress } | { readonly kind: "stop" };

/** What a worker tells the primary: first that it listens for orders, which would be lost before. */
type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "started"; readonly started: StartedServer }
  | { readonly kind: "failed"; readonly message: string };

/** How long after one worker has ended the next is started in its place. */
const replaceMs = 1000;

/** This process's part, until a signal ends all of them. */
export function runWorkers(settings: Settings, warnings: readonly string[]): Promise<void> {
  return cluster.isPrimary ? runPrimary(settings, warnings) : runWorker(settings);
}

/**
 * Starts the workers, and the embedded engine if that is what they serve from, until a signal ends them. A worker that ends by
 * itself is replaced. Rejects when one cannot start.
 */
async function runPrimary(settings: Settings, warnings: readonly string[]): Promise<void> {
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat });
  for (const warning of warnings) {
    logger.warn(warning);
  }
  const engine = isEmbedded(settings) ? await startEmbeddedEngine({ data: settings.data }) : undefined;
  const address = engine && { endpoint: engine.endpoint, region: engine.region, credentials: engine.credentials };
  const workers = new Set<Worker>();
  let isStopping = false;

  async function startWorker(): Promise<StartedServer> {
    const worker = cluster.fork();
    workers.add(worker);
    const ended = once(worker, "exit").then(([code, signal]: unknown[]) => {
      workers.delete(worker);
      return `worker ${worker.id} ended with ${signal ?? code}`;
    });
    const started = await new Promise<StartedServer>((resolve, reject) => {
      void ended.then((how) => reject(new Error(`${how} before it took calls`)));
      worker.on("message", (report: Report) => {
        switch (report.kind) {
          case "ready":
            tell(worker, { kind: "start", ...(address === undefined ? {} : { engine: address }) });
            break;
          case "started":
            resolve(report.started);
            break;
          case "failed":
            reject(new Error(report.message));
        }
      });
    });
    logger.info({ worker: worker.id, pid: worker.process.pid }, "worker takes calls");
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
        await ended;
      }),
    );
    await engine?.stop();
  }

  const stopped = stopOnSignal(stop);
  // What a signal that ends this process at once leaves behind.
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
async function runWorker({ workers: _, ...settings }: Settings): Promise<void> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const logger = createLogger({ level: settings.logLevel, format: settings.logFormat }).child({
    worker: cluster.worker?.id,
  });
  // Ctrl-C reaches every process of the terminal; the primary tells when to stop.
  process.on("SIGINT", () => {});
  const ordered = once(process, "message");
  await report({ kind: "ready" });
  const [order] = (await ordered) as [Order];
  const engine = order.kind === "start" ? order.engine : undefined;
  const server = createServer({ ...settings, logger, ...(engine === undefined ? {} : { engine }) });
  const stopped = stopWhenTold(() => server.stop(), logger);
  try {
    await report({ kind: "started", started: await server.start() });
  } catch (error) {
    await report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exit(exitCodes.failure);
  }
  await stopped;
}

function stopWhenTold(stop: () => Promise<void>, logger: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => stop().then(resolve, reject);
    process.on("message", ({ kind }: Order) => {
      if (kind === "stop") {
        end();
      }
    });
    process.once("SIGTERM", end);
    process.once("disconnect", () => {
      logger.warn("the process that started this one has gone");
      end();
    });
  });
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
