import { constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError, validateResponse } from "@connectrpc/connect/protocol-grpc";
import { toWebHeaders } from "../../../common/node-headers.js";

export type AnswerHead = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** Returns true if it is no answer of gRPC, such as that of a proxy which has lost its server. */
export function isForeign(head: AnswerHead): boolean {
  return head[":status"] !== 200 || !String(head["content-type"]).startsWith("application/grpc");
}

/** A stream that has ended without a status: it was refused or reset, or its connection is lost. */
export function closedError(resetCode: number | undefined): ConnectError {
  switch (resetCode) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return new ConnectError("http/2 stream closed with REFUSED_STREAM", Code.Unavailable);
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return new ConnectError("http/2 stream closed with ENHANCE_YOUR_CALM", Code.ResourceExhausted);
    default:
      return new ConnectError("HTTP/2 stream closed before the response was complete", Code.Unavailable);
  }
}

/** Throws what an answer says that is no success. */
export function checkStatus(head: AnswerHead, trailers: IncomingHttpHeaders | undefined): void {
  if (isForeign(head)) {
    validateResponse(head[":status"] ?? 0, toWebHeaders(head));
  }
  const ended = trailers ?? head;
  if (ended["grpc-status"] !== "0") {
    const error = findTrailerError(toWebHeaders(ended));
    if (error === undefined) {
      throw new ConnectError("protocol error: missing status", Code.Internal);
    }
    for (const [name, value] of toWebHeaders(head)) {
      error.metadata.append(name, value);
    }
    throw error;
  }
}
