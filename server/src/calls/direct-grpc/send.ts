import type { OutgoingHttpHeaders } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import { grpcTrailers } from "../errors/write-error.js";
import type { GrpcCall } from "./grpc-call.js";
import { prefixBytes } from "./read-message.js";

export function sendMessage(call: GrpcCall, message: Uint8Array): void {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  send(call, frame, call.trailers());
}

export function sendError(call: GrpcCall, error: ConnectError): void {
  send(call, undefined, grpcTrailers(error, call.responseTrailer));
}

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
