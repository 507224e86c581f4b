import { AggregatorRegistry, type Metric, Registry } from "prom-client";
import type { MetricFamily } from "./cells.js";

/** Content type of the page. */
export const pageContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The page of one process. */
export function renderPage(families: readonly MetricFamily[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) {
    registry.registerMetric({ name: family.name, get: async () => family } as unknown as Metric);
  }
  return registry.metrics();
}

/** One page for several processes: counts are added up, and what cannot be is left out or combined as prom-client has it. */
export function renderMerged(processes: readonly (readonly MetricFamily[])[]): Promise<string> {
  return aggregate(processes).metrics();
}

/**
 * Counts of ended processes that must be kept: a counter that became smaller would look to Prometheus as if it had
 * begun anew, and all that the others have counted would be counted again.
 */
export async function keepCounts(processes: readonly (readonly MetricFamily[])[]): Promise<MetricFamily[]> {
  const counts = processes.map((families) => families.filter(({ type }) => type === "counter" || type === "histogram"));
  return (await aggregate(counts).getMetricsAsJSON()) as unknown as MetricFamily[];
}

function aggregate(processes: readonly (readonly MetricFamily[])[]): Registry {
  return AggregatorRegistry.aggregate(processes.map((families) => [...families]) as never);
}
