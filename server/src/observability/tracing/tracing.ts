import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import { version } from "../../../../common/version.js";
import type { Interceptor } from "../../calls/pipeline.js";
import type { RequestObserver } from "../../store/dynamodb/observed-requests.js";
import { type Environment, wantedExporter } from "./wants-traces.js";

/** Shows calls and their requests to DynamoDB as traces. */
export interface Tracing {
  readonly interceptor: Interceptor;
  readonly observer: RequestObserver;
  /** Sends what is left, within a time. Never rejects. */
  stop(withinMs: number): Promise<void>;
}

/** The packages that are needed. They weigh half of what dynakv does with all else, so they are for those to install who want them. */
const packages = [
  "@opentelemetry/api",
  "@opentelemetry/core",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace-base",
  "@opentelemetry/exporter-trace-otlp-proto",
  "@opentelemetry/exporter-trace-otlp-http",
];

/**
 * Traces as the standard environment variables ask for it. What they say of endpoint, sampler, resource, limits and
 * batches is read by OpenTelemetry's own packages. Calls are served without traces when something is amiss, and the log says so:
 * a platform may set these variables for everything that it runs.
 */
export async function startTracing(environment: Environment, logger: Logger): Promise<Tracing | undefined> {
  try {
    return await start(wantedExporter(environment) ?? "none", environment, logger);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") {
      logger.warn(`tracing disabled: packages not installed; run npm install ${packages.join(" ")}`);
      return undefined;
    }
    if (error instanceof UnknownExporter) {
      logger.warn(`no traces: ${error.message}`);
      return undefined;
    }
    throw error;
  }
}

async function start(wanted: string, environment: Environment, logger: Logger): Promise<Tracing> {
  const [core, { defaultResource, detectResources, envDetector, resourceFromAttributes }, sdk, spans] =
    await Promise.all([
      import("@opentelemetry/core"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/sdk-trace-base"),
      import("./spans.js"),
    ]);
  let isFailing = false;
  core.setGlobalErrorHandler((error) => {
    // Once, until it works again: a collector that is away is away for each batch. Its answer could quote headers.
    if (!isFailing) {
      isFailing = true;
      const { name, code } = error as Error & { code?: unknown };
      logger.warn({ error: name, code }, "trace export failed");
    }
  });
  const exporter = reportingSuccess(await createExporter(wanted, environment), () => {
    isFailing = false;
  });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": "dynakv", "service.version": version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(exporter)] });
  const { interceptor, observer } = spans.createSpans(
    provider.getTracer("dynakv", version),
    new core.W3CTraceContextPropagator(),
  );
  return {
    interceptor,
    observer,
    async stop(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([provider.shutdown().catch(() => {}), patience]);
      clearTimeout(timer);
    },
  };
}

class UnknownExporter extends Error {}

async function createExporter(wanted: string, environment: Environment): Promise<SpanExporter> {
  if (wanted === "console") {
    const { ConsoleSpanExporter } = await import("@opentelemetry/sdk-trace-base");
    return new ConsoleSpanExporter();
  }
  if (wanted !== "otlp") {
    throw new UnknownExporter("OTEL_TRACES_EXPORTER can be otlp, console or none");
  }
  // There is a batch each five seconds: a connection kept in between would outlive the server that has stopped.
  const options = { headers: await readHeaders(environment), httpAgentOptions: { keepAlive: false } };
  const protocol = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  switch (protocol?.trim() || "http/protobuf") {
    case "http/protobuf":
      return new (await import("@opentelemetry/exporter-trace-otlp-proto")).OTLPTraceExporter(options);
    case "http/json":
      return new (await import("@opentelemetry/exporter-trace-otlp-http")).OTLPTraceExporter(options);
    default:
      throw new UnknownExporter(
        "OTEL_EXPORTER_OTLP_PROTOCOL can be http/protobuf or http/json; most collectors take both on port 4318",
      );
  }
}

/** The headers may have been taken out of the process's own environment: they hold tokens. */
async function readHeaders(environment: Environment): Promise<Record<string, string>> {
  const { parseKeyPairsIntoRecord } = await import("@opentelemetry/core");
  return {
    ...parseKeyPairsIntoRecord(environment.OTEL_EXPORTER_OTLP_HEADERS),
    ...parseKeyPairsIntoRecord(environment.OTEL_EXPORTER_OTLP_TRACES_HEADERS),
  };
}

function reportingSuccess(exporter: SpanExporter, onSuccess: () => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code === 0) {
          onSuccess();
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
