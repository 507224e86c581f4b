import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Code, type ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  contentTypeUnaryJson,
  endStreamFlag,
  endStreamToJson,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
}

/** Answers a request of which nothing but the head was read with an error, as the protocol that it speaks has it. */
export function answerError(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  error: ConnectError,
): void {
  const { status, headers, body } = answerIn(request.headers["content-type"] ?? "", error);
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, value as string);
  }
  response.statusCode = status;
  if (error.code === Code.Unauthenticated) {
    response.setHeader("www-authenticate", "Bearer");
  }
  (response as ServerResponse).end(body);
}

function answerIn(contentType: string, error: ConnectError): Answer {
  if (contentType.startsWith("application/grpc-web")) {
    const trailers = trailerSerialize(setTrailerStatus(new Headers(), error));
    return { status: 200, headers: { "content-type": contentType }, body: encodeEnvelope(trailerFlag, trailers) };
  }
  if (contentType.startsWith("application/grpc")) {
    // Without a body the head is all that there is: gRPC's Trailers-Only.
    const trailers = Object.fromEntries(setTrailerStatus(new Headers(), error));
    return { status: 200, headers: { "content-type": contentType, ...trailers } };
  }
  if (contentType.startsWith("application/connect+")) {
    const end = Buffer.from(JSON.stringify(endStreamToJson(new Headers(), error, undefined)));
    return { status: 200, headers: { "content-type": contentType }, body: encodeEnvelope(endStreamFlag, end) };
  }
  return {
    status: codeToHttpStatus(error.code),
    headers: { ...Object.fromEntries(error.metadata), "content-type": contentTypeUnaryJson },
    body: errorToJsonBytes(error, undefined),
  };
}
