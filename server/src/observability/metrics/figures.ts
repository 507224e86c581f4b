import { randomUUID } from "node:crypto";
import type { Figures, MethodFigures } from "../../../../common/figures.js";
import { readOperations } from "../../store/dynamodb/observed-requests.js";
import type { Sample } from "./cells.js";
import { metricDefinitions as definitions, type MetricDefinition } from "./definitions.js";

/** The samples of a metric; none where it has not been added. */
type ReadSamples = (definition: MetricDefinition) => readonly Sample[];

const instance = randomUUID();
/** Its methods are those that the console shows; health and reflection are not. */
const service = "dynakv.v1.KeyValueService/";

export function readFigures(read: ReadSamples): Figures {
  const sum = (definition: MetricDefinition, isCounted: (sample: Sample) => boolean = () => true) =>
    read(definition)
      .filter(isCounted)
      .reduce((total, { value }) => total + value, 0);
  const reads: ReadonlySet<unknown> = readOperations;
  return {
    instance,
    atMs: performance.now(),
    methods: readMethods(read),
    durationBounds: definitions.callDuration.buckets,
    readUnits: sum(definitions.consumedCapacity, ({ labels }) => reads.has(labels.operation)),
    writeUnits: sum(definitions.consumedCapacity, ({ labels }) => !reads.has(labels.operation)),
    throttles: sum(definitions.throttles),
    shed: sum(definitions.shedCalls),
    inFlight: sum(definitions.callsInFlight),
    waiting: sum(definitions.callsWaiting),
    connections: sum(definitions.connections),
  };
}

function readMethods(read: ReadSamples): Record<string, MethodFigures> {
  const methods = new Map<string, { ok: number; failed: number; durations: number[] }>();
  const of = ({ labels }: Sample) => {
    const method = String(labels.method);
    if (!method.startsWith(service)) {
      return undefined;
    }
    const name = method.slice(service.length);
    const figures = methods.get(name) ?? { ok: 0, failed: 0, durations: [] };
    methods.set(name, figures);
    return figures;
  };
  for (const sample of read(definitions.calls)) {
    const figures = of(sample);
    if (figures !== undefined) {
      figures[sample.labels.code === "OK" ? "ok" : "failed"] += sample.value;
    }
  }
  for (const sample of read(definitions.callDuration)) {
    if (sample.metricName?.endsWith("_bucket")) {
      const durations = of(sample)?.durations;
      // Those of Prometheus add up from bucket to bucket.
      durations?.push(sample.value - durations.reduce((total, value) => total + value, 0));
    }
  }
  return Object.fromEntries(methods);
}
