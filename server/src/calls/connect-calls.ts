import type { Registry } from "@bufbuild/protobuf";
import { type ConnectRouterOptions, createConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import {
  createAsyncIterable,
  readAllBytes,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { NodeRequest, NodeResponse } from "../listener/exchange.js";
import { limitBody } from "./body-limit.js";
import type { Call } from "./call.js";
import type { CallMemory } from "./call-memory.js";
import { writeDeadline } from "./deadline.js";
import type { ErrorReporter } from "./errors/report-error.js";
import { readWireError, toUniversalResponse, toWireError } from "./errors/write-error.js";
import { fromText, toText } from "./grpc-web-text.js";
import { createAnswerHolder } from "./hold-answer.js";
import { toEnveloped, toLines } from "./json/json-stream.js";
import { type LargeBytes, putLargeBytes } from "./json/large-bytes.js";
import { reflectionServices, registerReflection } from "./reflection.js";
import { maxBytesOf } from "./request-bytes.js";
import { checkRequest } from "./requests/check-request.js";
import { acceptedCompression } from "./requests/decompress.js";
import { type ServedService, servedServices } from "./routes.js";
import { createStopSignal } from "./stop-signal.js";

export interface ConnectCallsOptions {
  readonly services: readonly ServedService[];
  readonly errors: ErrorReporter;
  /** Memory shared by all calls. */
  readonly memory: CallMemory;
  readonly maxRequestBytes: number;
  /** The most elements of a list in a request, such as the keys of an MGet. */
  readonly maxKeys: number;
  readonly maxDeadlineMs: number;
  /** Aborts the calls that are still running when the time for draining is over. */
  readonly shutdownSignal: AbortSignal;
  /** The types that a google.protobuf.Any may hold in JSON. No service of dynakv's has any. */
  readonly registry?: Registry | undefined;
}

/**
 * Answers a call by Connect's handlers, in whatever protocol.
 *
 * @throws DynakvError where Node's request cannot be one of Connect's
 */
export type ConnectCalls = (call: Call, request: NodeRequest, response: NodeResponse) => void;

/** All calls but those that {@link createDirectGrpc} answers. */
export function createConnectCalls(options: ConnectCallsOptions): ConnectCalls {
  const { errors, maxRequestBytes } = options;
  const stopSignal = createStopSignal(options.shutdownSignal);
  const handlers = new Map(createHandlers(options).map((handler) => [handler.requestPath, handler]));

  async function answer(
    call: Call,
    handler: UniversalHandler,
    request: UniversalServerRequest,
  ): Promise<UniversalServerResponse> {
    const response = await handler(request);
    // A response comes with its first message: by then, a call that was not refused has reached the service.
    if (call.hasReachedService) {
      return call.largeBytes === undefined ? response : withLargeBytes(response, call.largeBytes);
    }
    const header = Object.fromEntries(response.header ?? []);
    const refusal = await readWireError(call.protocol, response);
    // Without an error in it, the call was refused before its protocol was known, by its status alone.
    const reported = errors.reportProtocolError(call, refusal ?? unserved());
    const { headers, ...written } =
      refusal === undefined
        ? { ...toWireError("connect-unary", undefined, reported), status: response.status }
        : toWireError(call.protocol === "connect" ? call.form : call.protocol, header["content-type"], reported);
    // Connect's compression headers are kept.
    return toUniversalResponse({ ...written, headers: { ...header, ...headers } });
  }

  async function answerChecked(
    call: Call,
    handler: UniversalHandler,
    request: UniversalServerRequest,
    readMaxBytes: number,
  ): Promise<UniversalServerResponse> {
    let checked: UniversalServerRequest;
    try {
      checked = await checkRequest(request, call, handler.method, readMaxBytes, options);
    } catch (error) {
      // The message was in the URL: nothing of the call has reached Connect.
      return toUniversalResponse(toWireError("connect-unary", undefined, errors.reportProtocolError(call, error)));
    }
    return answer(call, handler, checked);
  }

  /** Lets Connect answer a request in its wire format. */
  function answerForm(call: Call, handler: UniversalHandler, request: UniversalServerRequest) {
    const readMaxBytes = maxBytesOf(handler.service, maxRequestBytes);
    switch (call.form) {
      case "json-stream":
        return answerChecked(call, handler, toEnveloped(request, readMaxBytes), readMaxBytes).then(toLines);
      case "grpc-web-text":
        return answerChecked(call, handler, fromText(request), readMaxBytes).then(toText);
      default:
        return answerChecked(call, handler, request, readMaxBytes);
    }
  }

  return (call, nodeRequest, nodeResponse) => {
    const handler = handlers.get(call.path);
    if (handler === undefined) {
      throw new Error(`no handler for ${call.path}`);
    }
    const universal = toUniversalRequest(call, nodeRequest, nodeResponse);
    writeDeadline(call, universal.header);
    const body = limitBody(universal.body as AsyncIterable<Uint8Array>, call);
    const signal = stopSignal(call, universal.signal);
    answerForm(call, handler, { ...universal, body, signal })
      .then((response) => universalResponseToNodeResponse(response, nodeResponse))
      // Only a lost connection can still fail here.
      .catch(() => nodeResponse.destroy());
  };
}

/** The answer to a unary call in JSON, whole. */
async function withLargeBytes(
  response: UniversalServerResponse,
  largeBytes: LargeBytes,
): Promise<UniversalServerResponse> {
  const json = await readAllBytes(response.body ?? createAsyncIterable([]), Number.MAX_SAFE_INTEGER);
  const body = putLargeBytes(json, largeBytes);
  const header = new Headers(response.header);
  header.set("content-length", String(body.length));
  return { ...response, header, body: createAsyncIterable([body]) };
}

function toUniversalRequest(call: Call, request: NodeRequest, response: NodeResponse) {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, call.contextValues());
  } catch {
    // It can make no URL of what the request says of its host.
    throw new DynakvError(ErrorReason.INVALID_FIELD, "missing or invalid Host header");
  }
}

function unserved(): DynakvError {
  return new DynakvError(
    ErrorReason.UNIMPLEMENTED,
    "protocol error: this method is not served with this content-type and HTTP method",
  );
}

/** Connect's handlers, with options where its defaults do not suit a server of small values. */
function createHandlers(options: ConnectCallsOptions): readonly UniversalHandler[] {
  const { services, errors, memory, maxRequestBytes, maxDeadlineMs, registry } = options;
  const routerOptions: ConnectRouterOptions = {
    interceptors: [errors.interceptor, createAnswerHolder(memory)],
    readMaxBytes: maxRequestBytes,
    maxTimeoutMs: maxDeadlineMs,
    acceptCompression: [...acceptedCompression],
    // Nearly every client accepts gzip, and Connect would compress from 1 KiB on: at that size it costs several times
    // what the call does. Requests may be compressed all the same.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    // A misspelt field of a write is a condition that is not checked.
    jsonOptions: { ignoreUnknownFields: false, ...(registry && { registry }) },
  };
  const router = createConnectRouter(routerOptions);
  for (const { service, implementation } of services) {
    const readMaxBytes = maxBytesOf(service, maxRequestBytes);
    router.service(service, implementation as Partial<ServiceImpl<typeof service>>, { readMaxBytes });
  }
  registerReflection(router, servedServices, { readMaxBytes: maxBytesOf(reflectionServices[0], maxRequestBytes) });
  return router.handlers;
}
