import type { OutgoingHttpHeaders } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import { encloseMessage } from "../../../../common/envelope.js";
import { grpcTrailers } from "../errors/write-error.js";
import type { GrpcCall } from "./grpc-call.js";

export function sendMessage(call: GrpcCall, message: Uint8Array): void {
  send(call, encloseMessage(message), call.trailers());
}

export function sendError(call: GrpcCall, error: ConnectError): void {
  send(call, undefined, grpcTrailers(error, call.responseTrailer));
}

function send(call: GrpcCall, frame: Uint8Array | undefined, trailers: OutgoingHttpHeaders): void {
  call.call.responseBytes += frame?.length ?? 0;
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
  respond(call);
  stream.end(frame);
}

function respond(call: GrpcCall): void {
  if (!call.stream.headersSent) {
    call.stream.respond(call.head(), { waitForTrailers: true });
  }
}

/**
 * Sends a message of a stream, in its envelope. Resolves once its client has taken so much that another may follow, or the call is
 * aborted; undefined when it may follow at once.
 *
 * @param reuse takes the envelope back once it was sent
 */
export function sendEnvelope(
  call: GrpcCall,
  envelope: Buffer,
  reuse: ((envelope: Buffer) => void) | undefined,
): Promise<void> | undefined {
  const { stream } = call;
  if (stream.closed || stream.destroyed) {
    return undefined;
  }
  respond(call);
  call.call.responseBytes += envelope.length;
  // After an error it may still be on its way.
  const isRoomLeft = stream.write(envelope, (error) => error || reuse?.(envelope));
  return isRoomLeft ? undefined : drained(call);
}

function drained({ call, stream, signal }: GrpcCall): Promise<void> {
  call.onStall?.(true);
  return new Promise((resolve) => {
    const go = () => {
      stream.off("drain", go).off("close", go);
      signal.removeEventListener("abort", go);
      call.onStall?.(false);
      resolve();
    };
    stream.on("drain", go).on("close", go);
    signal.addEventListener("abort", go);
  });
}

/** Ends a stream that was sent whole. */
export function endStream(call: GrpcCall): void {
  send(call, undefined, call.trailers());
}
