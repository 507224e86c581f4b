import { Code } from "@connectrpc/connect";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Call } from "../../calls/call.js";
import { codeOf, methodName } from "../../calls/call-names.js";
import type { Interceptor } from "../../calls/pipeline.js";
import type { RequestObserver } from "../../store/dynamodb/observed-requests.js";

/** The services that watch the server rather than use it. Their calls come every few seconds, and nobody wants to see them. */
const untraced = /^grpc\./;

/** Codes that are the server's fault: by OpenTelemetry's conventions of gRPC, the others are no error of a server span. */
const serverErrors: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

const headersOf = {
  keys: (headers: Call["headers"]) => Object.keys(headers),
  get: (headers: Call["headers"], name: string) => headers[name],
};

/**
 * A server span for each call, a child of the caller's if it sent a `traceparent`, and a client span for each request to DynamoDB,
 * a child of the call's. A request that serves several calls, such as a read of many keys, is a child of the first that is
 * traced, has a link to each other, and each other has one to it. Names and attributes are those of OpenTelemetry's conventions.
 * Neither keys nor values nor the messages of errors stand in them.
 */
export function createSpans(
  tracer: Tracer,
  propagator: TextMapPropagator,
): { readonly interceptor: Interceptor; readonly observer: RequestObserver } {
  const spans = new WeakMap<object, Span>();

  const interceptor: Interceptor = (call) => {
    if (untraced.test(call.method?.parent.typeName ?? "")) {
      return;
    }
    const method = methodName(call) ?? "_OTHER";
    const parent = propagator.extract(ROOT_CONTEXT, call.headers, headersOf);
    const attributes: Attributes = {
      "rpc.system.name": call.protocol === "connect" ? "connectrpc" : "grpc",
      "rpc.method": method,
      "dynakv.request_id": call.id,
      "network.peer.address": call.remote,
      "network.protocol.version": call.headers[":path"] === undefined ? "1.1" : "2",
    };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    if (!span.isRecording()) {
      return;
    }
    spans.set(call, span);
    call.isWatched = true;
    call.onEnd(({ error, reason }) => {
      span.setAttribute("rpc.status_code", codeOf(call));
      if (reason !== undefined) {
        span.setAttribute("dynakv.error_reason", reason);
      }
      if (error !== undefined && serverErrors.has(error.code)) {
        span.setAttribute("error.type", codeOf(call));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    });
  };

  const observer: RequestObserver = ({ operation, table, keys, initiators }) => {
    const [first, ...others] = initiators?.watching.flatMap((call) => spans.get(call) ?? []) ?? [];
    if (first === undefined) {
      return undefined;
    }
    const attributes: Attributes = {
      "rpc.system.name": "aws-api",
      "rpc.method": `DynamoDB/${operation}`,
      "db.system.name": "aws.dynamodb",
      "db.operation.name": operation,
      "db.collection.name": table,
      "aws.dynamodb.table_names": [table],
      ...(operation === "BatchGetItem" ? { "db.operation.batch.size": keys } : {}),
      ...(initiators !== undefined && initiators.count > 1 ? { "dynakv.calls": initiators.count } : {}),
    };
    const links = others.map((span) => ({ context: span.spanContext() }));
    const options = { kind: SpanKind.CLIENT, attributes, links };
    const span = tracer.startSpan(`DynamoDB.${operation}`, options, trace.setSpan(ROOT_CONTEXT, first));
    for (const other of others) {
      other.addLink({ context: span.spanContext() });
    }
    return ({ units, failure }) => {
      if (units > 0) {
        span.setAttribute("aws.dynamodb.consumed_capacity", [
          JSON.stringify({ TableName: table, CapacityUnits: units }),
        ]);
      }
      if (failure !== undefined) {
        span.setAttribute("error.type", failure.kind);
        // An answer like any other, of which the call makes what it means.
        if (failure.kind !== "condition-failed") {
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
      }
      span.end();
    };
  };

  return { interceptor, observer };
}
