import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { type Call, requestIdHeader } from "../call.js";
import { fromWebHeaders, type GrpcCall } from "./grpc-call.js";
import { prefixBytes } from "./read-message.js";

export function sendMessage(call: GrpcCall, message: Uint8Array): void {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  send(call, frame, call.trailers());
}

export function sendError(call: GrpcCall, error: ConnectError): void {
  send(call, undefined, fromWebHeaders(setTrailerStatus(call.responseTrailer, error)));
}

/** Refuses a call of which nothing but the head was read. The head is all of the answer too: gRPC's Trailers-Only. */
export function sendRefusal(call: Call, stream: ServerHttp2Stream, error: ConnectError): void {
  call.end();
  if (stream.closed || stream.destroyed) {
    return;
  }
  let fields = refusalFields.get(error);
  if (fields === undefined) {
    fields = {
      ":status": 200,
      "content-type": "application/grpc+proto",
      ...fromWebHeaders(setTrailerStatus(new Headers(), error)),
    };
    refusalFields.set(error, fields);
  }
  const { sentId } = call;
  stream.respond(sentId === undefined ? fields : { ...fields, [requestIdHeader]: sentId }, { endStream: true });
}

/** Many calls are refused with one error. */
const refusalFields = new WeakMap<ConnectError, OutgoingHttpHeaders>();

function send(call: GrpcCall, frame: Uint8Array | undefined, trailers: OutgoingHttpHeaders): void {
  call.call.responseBytes = frame?.length ?? 0;
  call.answered();
  const { stream } = call;
  if (stream.closed || stream.destroyed) {
    return;
  }
  stream.once("wantTrailers", () => {
    if (!stream.destroyed) {
      stream.sendTrailers(trailers);
    }
  });
  stream.respond(call.head(), { waitForTrailers: true });
  stream.end(frame);
}
