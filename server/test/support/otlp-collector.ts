import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** A span, as OTLP has it in JSON. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** A collector of traces, as OpenTelemetry's exporters know it. */
export interface OtlpCollector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** Every request, with all that was in it. */
  readonly requests: { readonly contentType: string; readonly headers: string; readonly body: Buffer }[];
  readonly resources: Readonly<Record<string, unknown>>[];
  stop(): Promise<void>;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}
type OtlpAttributes = readonly { readonly key: string; readonly value: OtlpValue }[];
interface OtlpSpan extends Omit<CollectedSpan, "attributes" | "links"> {
  readonly attributes: OtlpAttributes;
  readonly links?: CollectedSpan["links"];
}
interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const requests: OtlpCollector["requests"] = [];
  const resources: OtlpCollector["resources"] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const contentType = request.headers["content-type"] ?? "";
      const sent = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      requests.push({ contentType, headers: JSON.stringify(request.headers), body });
      if (contentType === "application/json") {
        for (const { resource, scopeSpans } of (JSON.parse(body.toString()) as OtlpTraces).resourceSpans) {
          resources.push(toRecord(resource.attributes));
          for (const { attributes, links = [], ...span } of scopeSpans.flatMap((scope) => scope.spans)) {
            spans.push({ ...span, attributes: toRecord(attributes), links });
          }
        }
      }
      response.setHeader("content-type", contentType);
      response.end(contentType === "application/json" ? "{}" : "");
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    resources,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function toRecord(attributes: OtlpAttributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue({ stringValue, intValue, arrayValue }: OtlpValue): unknown {
  return stringValue ?? (intValue === undefined ? arrayValue?.values.map(toValue) : Number(intValue));
}
