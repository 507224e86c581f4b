/** Definition of a metric. Names and units keep to Prometheus's conventions: base units, `_total` for what only grows. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  /** One line, for the page itself and for docs/observability.md. */
  readonly help: string;
  /** For a histogram: the upper bounds of its buckets. */
  readonly buckets?: readonly number[];
  /** For a gauge: how those of several workers become one. The default is their sum. */
  readonly aggregator?: "sum" | "first" | "max";
}

/** From half a millisecond, which a Get of one item in the same region takes at best, to the default deadline. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const upToHundred = [1, 2, 5, 10, 25, 50, 100];

/** Every metric of dynakv's own. The page has prom-client's of the process and of Node beside them. */
export const metricDefinitions = {
  buildInfo: {
    name: "dynakv_build_info",
    type: "gauge",
    labels: ["version", "node_version"],
    help: "Always 1; the labels tell the versions of dynakv and of Node",
    aggregator: "first",
  },
  ready: {
    name: "dynakv_ready",
    type: "gauge",
    labels: [],
    help: "Processes that can serve calls now: DynamoDB is reachable, and they are not stopping",
  },
  workers: {
    name: "dynakv_workers",
    type: "gauge",
    labels: [],
    help: "Processes included in the figures of this page",
  },
  connections: {
    name: "dynakv_connections",
    type: "gauge",
    labels: [],
    help: "Open connections of callers",
  },
  connectionsClosed: {
    name: "dynakv_connections_closed_total",
    type: "counter",
    labels: ["why"],
    help: "Connections of callers that were closed: maxConnections (or those of one address), flood: of frames",
  },
  calls: {
    name: "dynakv_calls_total",
    type: "counter",
    labels: ["method", "code"],
    help: "Calls that have ended, by method (unknown for any other path) and status code",
  },
  callFailures: {
    name: "dynakv_call_failures_total",
    type: "counter",
    labels: ["reason"],
    help: "Calls that have failed, by the reason in the error's details: OVERLOADED are those that were shed, or that failed to authenticate too often, UNAUTHENTICATED and PERMISSION_DENIED those that were refused; NONE: an error without details",
  },
  callDuration: {
    name: "dynakv_call_duration_seconds",
    type: "histogram",
    labels: ["method"],
    help: "From the head of a call to its answer",
    buckets: seconds,
  },
  callsInFlight: {
    name: "dynakv_calls_in_flight",
    type: "gauge",
    labels: ["method"],
    help: "Calls that have begun and not ended",
  },
  callsWaiting: {
    name: "dynakv_calls_waiting",
    type: "gauge",
    labels: [],
    help: "Calls queued for admission",
  },
  callLimit: {
    name: "dynakv_call_limit",
    type: "gauge",
    labels: [],
    help: "Adaptive concurrency limit: a unary call is 1, a batch of an MGet 16",
  },
  shedCalls: {
    name: "dynakv_calls_shed_total",
    type: "counter",
    labels: ["why"],
    help: "Calls that were refused: before their bodies were read by maxCalls, maxCallsPerCaller (as the settings limit them), overload, late (too late for the deadline); later by memory, when others hold too much, and slowClient, whose memory others need",
  },
  memoryHeld: {
    name: "dynakv_memory_held_bytes",
    type: "gauge",
    labels: [],
    help: "Bytes held of requests, raw and decoded, and of responses not yet read by their clients",
  },
  memoryLimit: {
    name: "dynakv_memory_limit_bytes",
    type: "gauge",
    labels: [],
    help: "Limit of those bytes: the setting memoryBytes, or by the memory that there is",
  },
  requestBytes: {
    name: "dynakv_call_request_bytes_total",
    type: "counter",
    labels: ["method"],
    help: "Bytes of the bodies of calls",
  },
  responseBytes: {
    name: "dynakv_call_response_bytes_total",
    type: "counter",
    labels: ["method"],
    help: "Bytes of the bodies of answers",
  },
  writtenKeys: {
    name: "dynakv_write_keys",
    type: "histogram",
    labels: ["method"],
    help: "Keys of an MSet or MDelete",
    buckets: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
  },
  mgetKeys: {
    name: "dynakv_mget_keys",
    type: "histogram",
    labels: [],
    help: "Keys of an MGet",
    buckets: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000],
  },
  requests: {
    name: "dynakv_dynamodb_requests_total",
    type: "counter",
    labels: ["operation", "outcome"],
    help: "Requests to DynamoDB that have ended, those included that repeat one and the probe of each second, by operation and outcome: ok, condition-failed, throttled, conflict, unreachable, failing, foreign (an intermediary answered instead of DynamoDB), aborted, denied, no-credentials, misconfigured, clock-skew, table-missing, item-too-large, invalid, unsupported",
  },
  requestDuration: {
    name: "dynakv_dynamodb_request_duration_seconds",
    type: "histogram",
    labels: ["operation"],
    help: "Duration of a request to DynamoDB, whatever its outcome",
    buckets: seconds,
  },
  requestsInFlight: {
    name: "dynakv_dynamodb_requests_in_flight",
    type: "gauge",
    labels: [],
    help: "Requests to DynamoDB in flight or waiting for a connection",
  },
  retries: {
    name: "dynakv_dynamodb_retries_total",
    type: "counter",
    labels: ["operation"],
    help: "Retries of failed requests",
  },
  retriesRefused: {
    name: "dynakv_dynamodb_retries_refused_total",
    type: "counter",
    labels: ["operation"],
    help: "Retries suppressed by the retry budget",
  },
  throttles: {
    name: "dynakv_dynamodb_throttles_total",
    type: "counter",
    labels: ["reason"],
    help: "Requests that DynamoDB throttled, by its own reason; other: one that is not known, none: it gave none",
  },
  unprocessedKeys: {
    name: "dynakv_dynamodb_unprocessed_keys_total",
    type: "counter",
    labels: [],
    help: "Keys that BatchGetItem left out, for want of room or of capacity, and that were asked for again",
  },
  consumedCapacity: {
    name: "dynakv_dynamodb_consumed_capacity_units_total",
    type: "counter",
    labels: ["operation", "table"],
    help: "Capacity units as DynamoDB tells them; it does not tell those of requests that it refused, failed conditions among them, which it bills",
  },
  batchKeys: {
    name: "dynakv_dynamodb_batch_keys",
    type: "histogram",
    labels: [],
    help: "Keys of a BatchGetItem",
    buckets: upToHundred,
  },
  coalescedGets: {
    name: "dynakv_coalesced_gets",
    type: "histogram",
    labels: [],
    help: "Gets that one read of DynamoDB answers",
    buckets: upToHundred,
  },
  combinedIncrements: {
    name: "dynakv_combined_increments",
    type: "histogram",
    labels: [],
    help: "Increments that one write of DynamoDB applies",
    buckets: [...upToHundred, 250, 1000],
  },
} as const satisfies Record<string, MetricDefinition>;

/** The table of docs/observability.md, in Markdown. */
export const metricRows: readonly (readonly string[])[] = Object.values(metricDefinitions).map(
  ({ name, type, labels, help }) => [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(", "), help],
);
