import type { DescMethod } from "@bufbuild/protobuf";
import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import type { Figures } from "../../../../common/figures.js";
import { version } from "../../../../common/version.js";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { KeyValueService } from "../../../../gen/dynakv/v1/key_value_service_pb.js";
import type { Call } from "../../calls/call.js";
import { codeOf, methodName } from "../../calls/call-names.js";
import type { Interceptor } from "../../calls/pipeline.js";
import { operationOf, operations, type RequestObserver } from "../../store/dynamodb/observed-requests.js";
import type { StoreCounts } from "../../store/store-context.js";
import {
  type Cell,
  createHistogram,
  createReadGauge,
  createValues,
  type HistogramCell,
  type MetricFamily,
} from "./cells.js";
import { metricDefinitions as definitions, type MetricDefinition } from "./definitions.js";
import { readFigures } from "./figures.js";

/** The metrics of one process. */
export interface Metrics {
  /** Counts calls. */
  readonly interceptor: Interceptor;
  /** Counts requests to DynamoDB. */
  readonly observer: RequestObserver;
  readonly counts: StoreCounts;
  /** Counts retries, and those that were wanted and not made. */
  readonly onRetry: (error: unknown, taken: boolean) => void;
  /** Methods that are to be on the page before they are called. */
  addMethods(methods: Iterable<DescMethod>): void;
  /** Adds a gauge whose value is asked for when the page is. */
  addGauge(definition: MetricDefinition, read: () => number): void;
  /** Adds a counter, and returns what counts one more with these labels. */
  addCounter(definition: MetricDefinition): (...labels: readonly string[]) => void;
  /** True if calls can be served. */
  isReady: boolean;
  /** Everything, as it stands now. */
  read(): Promise<MetricFamily[]>;
  /** The few that the console charts. */
  figures(): Figures;
}

/** Counters of one method. */
interface MethodCells {
  readonly inFlight: Cell;
  readonly duration: HistogramCell;
  readonly requestBytes: Cell;
  readonly responseBytes: Cell;
  readonly ok: Cell;
}

/** DynamoDB's own, in Table and Index, Read and Write. Another could be anything, and is not taken over. */
const throttlingReason =
  /^(Table|Index)(Read|Write)(ProvisionedThroughput|MaxOnDemandThroughput|AccountLimit|KeyRangeThroughput)Exceeded$/;

/** Gauges of prom-client's whose names are those of counters. They are the sums of others that are there. */
const misnamed = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** prom-client shows the lag of several workers as their average, in which one that stands still is lost. */
function withWorstLag(family: MetricFamily): MetricFamily {
  return /^nodejs_eventloop_lag_p\d+_seconds$/.test(family.name) ? { ...family, aggregator: "max" } : family;
}

/** @param table the one table, whose name is a label */
export function createMetrics(table: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) {
    registry.removeSingleMetric(name);
  }
  const families = new Map<string, () => MetricFamily>();
  const add = <T extends { read(): MetricFamily }>(definition: MetricDefinition, family: T): T => {
    families.set(definition.name, () => family.read());
    // All that prom-client asks of a metric, for its page and between workers, is its name and what it has to say.
    registry.registerMetric({ name: definition.name, get: async () => family.read() } as unknown as Metric);
    return family;
  };
  const counter = (definition: MetricDefinition) => add(definition, createValues(definition));
  const histogram = (definition: MetricDefinition) => add(definition, createHistogram(definition));
  const addGauge = (definition: MetricDefinition, read: () => number) =>
    void add(definition, createReadGauge(definition, read));

  counter(definitions.buildInfo).cell(version, process.version).value = 1;
  let isReady = false;
  addGauge(definitions.ready, () => (isReady ? 1 : 0));
  addGauge(definitions.workers, () => 1);

  const calls = counter(definitions.calls);
  const failures = counter(definitions.callFailures);
  const duration = histogram(definitions.callDuration);
  const inFlight = counter(definitions.callsInFlight);
  const requestBytes = counter(definitions.requestBytes);
  const responseBytes = counter(definitions.responseBytes);
  const mgetKeys = histogram(definitions.mgetKeys).cell();
  const writtenKeys = histogram(definitions.writtenKeys);
  for (const reason of Object.keys(ErrorReason)) {
    if (reason !== "UNSPECIFIED") {
      failures.cell(reason);
    }
  }

  const byMethod = new Map<DescMethod | undefined, MethodCells>();
  function addMethod(method: DescMethod | undefined): MethodCells {
    const name = methodName({ method }) ?? "unknown";
    const cells = {
      inFlight: inFlight.cell(name),
      duration: duration.cell(name),
      requestBytes: requestBytes.cell(name),
      responseBytes: responseBytes.cell(name),
      ok: calls.cell(name, "OK"),
    };
    byMethod.set(method, cells);
    return cells;
  }
  const cellsOf = (method: DescMethod | undefined) => byMethod.get(method) ?? addMethod(method);

  function leave(call: Call): void {
    const { method, error, keys } = call;
    const cells = cellsOf(method);
    cells.inFlight.value--;
    cells.duration.observe((performance.now() - call.startedAt) / 1000);
    cells.requestBytes.value += call.requestBytes;
    cells.responseBytes.value += call.responseBytes;
    if (error === undefined) {
      cells.ok.value++;
    } else {
      calls.cell(methodName(call) ?? "unknown", codeOf(call)).value++;
      failures.cell(call.reason ?? "NONE").value++;
    }
    if (keys !== undefined && method?.methodKind === "server_streaming") {
      const cell = method === KeyValueService.method.mGet ? mgetKeys : writtenKeys.cell(methodName(call) ?? "unknown");
      cell.observe(keys.length);
    }
  }

  const requests = counter(definitions.requests);
  const requestDuration = histogram(definitions.requestDuration);
  const underWay = counter(definitions.requestsInFlight).cell();
  const retries = counter(definitions.retries);
  const retriesRefused = counter(definitions.retriesRefused);
  const throttles = counter(definitions.throttles);
  const unprocessedKeys = counter(definitions.unprocessedKeys).cell();
  const consumed = counter(definitions.consumedCapacity);
  const batchKeys = histogram(definitions.batchKeys).cell();
  const byOperation = Object.fromEntries(
    operations.map((operation) => [
      operation,
      {
        ok: requests.cell(operation, "ok"),
        duration: requestDuration.cell(operation),
        retries: retries.cell(operation),
        retriesRefused: retriesRefused.cell(operation),
        consumed: consumed.cell(operation, table),
      },
    ]),
  );
  for (const reason of ["none", "other"]) {
    throttles.cell(reason);
  }

  return {
    interceptor(call) {
      cellsOf(call.method).inFlight.value++;
      call.onEnd(leave);
    },
    observer({ operation, keys }) {
      const cells = byOperation[operation];
      underWay.value++;
      if (operation === "BatchGetItem") {
        batchKeys.observe(keys);
      }
      return ({ ms, units, unprocessed, failure }) => {
        underWay.value--;
        unprocessedKeys.value += unprocessed;
        if (cells === undefined) {
          return;
        }
        cells.duration.observe(ms / 1000);
        cells.consumed.value += units;
        if (failure === undefined) {
          cells.ok.value++;
          return;
        }
        requests.cell(operation, failure.kind).value++;
        if (failure.kind === "throttled") {
          const [reason = "none"] = failure.reasons;
          throttles.cell(reason === "none" || throttlingReason.test(reason) ? reason : "other").value++;
        }
      };
    },
    counts: toCounts(histogram(definitions.coalescedGets).cell(), histogram(definitions.combinedIncrements).cell()),
    onRetry(error, taken) {
      const cells = byOperation[operationOf(error) ?? ""];
      if (cells !== undefined) {
        cells[taken ? "retries" : "retriesRefused"].value++;
      }
    },
    addMethods(methods) {
      for (const method of methods) {
        addMethod(method);
      }
    },
    addGauge,
    addCounter(definition) {
      const values = counter(definition);
      return (...labels) => {
        values.cell(...labels).value++;
      };
    },
    get isReady() {
      return isReady;
    },
    set isReady(now) {
      isReady = now;
    },
    // Not by the registry: what it has of Node starts anew whenever it is read, and that is for the page of metrics.
    figures: () => readFigures((definition) => families.get(definition.name)?.().values ?? []),
    read: async () => ((await registry.getMetricsAsJSON()) as unknown as MetricFamily[]).map(withWorstLag),
  };
}

function toCounts(gets: HistogramCell, increments: HistogramCell): StoreCounts {
  return { gets: (count) => gets.observe(count), increments: (count) => increments.observe(count) };
}
