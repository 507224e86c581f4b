/** The metrics of `--workers N`: each worker counts, and the primary shows them together. */
import type { Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { listenOn } from "../listener/listen-on.js";
import { createAdminPort } from "../observability/admin-port.js";
import type { MetricFamily } from "../observability/metrics/cells.js";
import type { Metrics } from "../observability/metrics/metrics.js";
import type { Settings } from "../settings/settings.js";

/** Asks a worker for its metrics, or whether it can serve calls: to make a page costs much, and begins its lag anew. */
export interface MetricsOrder {
  readonly kind: "metrics" | "readiness";
}

/** Metrics of a worker. */
export interface MetricsReport {
  readonly kind: "metrics";
  readonly families: readonly MetricFamily[];
}

export interface ReadinessReport {
  readonly kind: "readiness";
  readonly isReady: boolean;
}

type Reports = { readonly metrics: MetricsReport; readonly readiness: ReadinessReport };

/** Longest time that a worker may take to answer. One that is too busy for that is shown with what it said last. */
const answerMs = 1000;

/** Validity of a worker's readiness report: common orchestrators have probed three times by then. */
const readinessMs = 15_000;

/** The admin port of the primary. */
export interface WorkersAdminPort {
  /** A worker has begun to take calls. */
  add(worker: Worker): void;
  close(): Promise<void>;
}

/** In a worker: tells the primary what it asks for. */
export function answerMetricsOrders(metrics: Metrics): void {
  const report = (report: MetricsReport | ReadinessReport) => process.send?.(report, undefined, {}, () => {});
  process.on("message", ({ kind }: { kind: string }) => {
    if (kind === "metrics") {
      void metrics.read().then((families) => report({ kind, families }));
    } else if (kind === "readiness") {
      report({ kind, isReady: metrics.isReady });
    }
  });
}

/** In the primary: undefined when the settings name no admin port. */
export async function openWorkersAdminPort(
  { adminListen }: Settings,
  logger: Logger,
): Promise<WorkersAdminPort | undefined> {
  if (adminListen === undefined) {
    return undefined;
  }
  const { keepCounts, pageContentType, renderMerged } = await import("../observability/metrics/page.js");
  const workers = new Map<Worker, readonly MetricFamily[]>();
  /** Last readiness report of each worker, with its time. One that is busy for a moment is still what it was. */
  const readiness = new Map<Worker, { readonly isReady: boolean; readonly at: number }>();
  let gone: readonly MetricFamily[] = [];

  /** Asks all workers, and resolves with what they have answered while they had time to. */
  async function ask<Kind extends keyof Reports>(kind: Kind): Promise<[Worker, Reports[Kind]][]> {
    const patience = new AbortController();
    const late = sleep(answerMs, undefined, { signal: patience.signal }).catch(() => {});
    const answers = await Promise.all(
      [...workers.keys()].map(async (worker): Promise<[Worker, Reports[Kind]][]> => {
        const answer = nextReport(worker, kind, patience.signal);
        worker.send({ kind } satisfies MetricsOrder, () => {});
        const report = await Promise.race([answer, late]);
        return report === undefined ? [] : [[worker, report]];
      }),
    );
    patience.abort();
    return answers.flat();
  }

  const port = createAdminPort({
    async metrics() {
      for (const [worker, { families }] of await ask("metrics")) {
        if (workers.has(worker)) {
          workers.set(worker, families);
        }
      }
      return renderMerged([...workers.values(), gone]);
    },
    metricsType: pageContentType,
    async isReady() {
      for (const [worker, { isReady }] of await ask("readiness")) {
        if (workers.has(worker)) {
          readiness.set(worker, { isReady, at: performance.now() });
        }
      }
      const since = performance.now() - readinessMs;
      return [...readiness.values()].some(({ isReady, at }) => isReady && at >= since);
    },
  });
  const adminUrl = await listenOn(port, "adminListen", adminListen);
  logger.info({ adminUrl }, "showing metrics");

  return {
    add(worker) {
      workers.set(worker, []);
      void once(worker, "exit").then(async () => {
        const last = workers.get(worker) ?? [];
        workers.delete(worker);
        readiness.delete(worker);
        gone = await keepCounts([gone, last]);
      });
    },
    close: () => port.close(),
  };
}

/** The next report of a worker; undefined when it has ended, or is not waited for any more. */
async function nextReport<Kind extends keyof Reports>(
  worker: Worker,
  kind: Kind,
  signal: AbortSignal,
): Promise<Reports[Kind] | undefined> {
  try {
    for (;;) {
      const [report] = (await once(worker, "message", { signal })) as [Reports[Kind]];
      if (report.kind === kind) {
        return report;
      }
    }
  } catch {
    return undefined;
  }
}
