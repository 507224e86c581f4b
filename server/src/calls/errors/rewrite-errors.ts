import { Code, ConnectError, createContextKey, createContextValues } from "@connectrpc/connect";
import {
  createAsyncIterable,
  encodeEnvelope,
  readAllBytes,
  type UniversalHandler,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  errorFromJsonBytes,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { untilRefused } from "../body-limit.js";
import { type Call, callKey } from "../call.js";
import { clampDeadline } from "../clamp-deadline.js";
import type { ReportError } from "./report-error.js";

/** Whether a call has reached the interceptors. What fails from then on is reported by them. */
export const reachedKey = createContextKey(false, { description: "the call has reached the interceptors" });

/**
 * Has the calls reported that Connect refuses by itself, such as one whose message does not parse. Connect has written the
 * error by then, and an interceptor never hears of it, so here it is read back from the response and written anew, as
 * each protocol has it.
 */
export function reportRefusedCalls(handler: UniversalHandler, report: ReportError): UniversalHandler {
  const { method } = handler;
  const reporting = async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
    const contextValues = request.contextValues ?? createContextValues();
    clampDeadline(request.header);
    const call = contextValues.get(callKey) as Call;
    const response = await handler({ ...request, body: untilRefused(request, call), contextValues });
    // A response comes with its first message: by then, a call that was not refused has reached the interceptors.
    return contextValues.get(reachedKey) ? response : rewriteError(response, (error) => report(call, error));
  };
  const { service, requestPath, supportedContentType, protocolNames, allowedMethods } = handler;
  return Object.assign(reporting, {
    service,
    method,
    requestPath,
    supportedContentType,
    protocolNames,
    allowedMethods,
  });
}

async function rewriteError(
  response: UniversalServerResponse,
  toReported: (error: unknown) => ConnectError,
): Promise<UniversalServerResponse> {
  const { status, trailer } = response;
  const header = new Headers(response.header);
  const contentType = header.get("content-type") ?? "";
  if (trailer !== undefined && contentType.startsWith("application/grpc")) {
    setTrailerStatus(trailer, toReported(findTrailerError(trailer)));
    return response;
  }
  const body = response.body === undefined ? new Uint8Array() : await readAllBytes(response.body, maxErrorBytes);
  if (contentType.startsWith("application/grpc-web")) {
    const trailers = trailerParse(body.subarray(envelopeHeadBytes));
    setTrailerStatus(trailers, toReported(findTrailerError(trailers)));
    return { ...response, body: createAsyncIterable([encodeEnvelope(trailerFlag, trailerSerialize(trailers))]) };
  }
  // What has no body was refused by its content-type or its HTTP method, before the protocol was known.
  const isUnserved = body.length === 0;
  const fallback = isUnserved
    ? new ConnectError(
        "protocol error: this method is not served with this content-type and HTTP method",
        Code.Unimplemented,
      )
    : new ConnectError("", Code.Internal);
  const error = toReported(isUnserved ? fallback : readJsonError(body, fallback));
  const json = errorToJsonBytes(error, undefined);
  header.set("content-type", contentTypeUnaryJson);
  header.set("content-length", json.length.toString());
  return { status: isUnserved ? status : codeToHttpStatus(error.code), header, body: createAsyncIterable([json]) };
}

/** No limit: it is in memory already. */
const maxErrorBytes = Number.MAX_SAFE_INTEGER;
const envelopeHeadBytes = 5;

function readJsonError(body: Uint8Array, fallback: ConnectError): ConnectError {
  try {
    return errorFromJsonBytes(body, undefined, fallback);
  } catch {
    return fallback;
  }
}
