/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The exporter that OpenTelemetry's environment variables ask for; undefined: none, and then nothing of it is loaded. */
export function wantedExporter(environment: Environment): string | undefined {
  if (environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") {
    return undefined;
  }
  const wanted = environment.OTEL_TRACES_EXPORTER?.trim();
  if (wanted !== undefined && wanted !== "") {
    return wanted === "none" ? undefined : wanted;
  }
  // By the specification the default is to export to this machine, also when nothing is set. Here it is to be left alone.
  return environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT ? "otlp" : undefined;
}
