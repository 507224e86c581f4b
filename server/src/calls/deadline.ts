import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { Call } from "./call.js";
import type { Interceptor } from "./pipeline.js";

/**
 * The interceptor that reads the caller's deadline, in whatever protocol, and shortens one that is longer than the server serves.
 * gRPC clients send what their users wrote, some seconds added: refusing it would fail calls that take milliseconds.
 */
export function createDeadlineInterceptor(maxDeadlineMs: number): Interceptor {
  return (call) => {
    const value = call.headers[headerOf(call)];
    if (value === undefined) {
      return;
    }
    const parse = isGrpc(call) ? parseGrpcTimeout : parseConnectTimeout;
    // The limit of the parser's own would be an error.
    const { timeoutMs } = parse(String(value), Number.POSITIVE_INFINITY);
    if (timeoutMs === undefined) {
      throw new DynakvError(
        ErrorReason.INVALID_FIELD,
        `the deadline is malformed: ${headerOf(call)} is not a duration; at most ${maxDeadlineMs} ms are allowed`,
      );
    }
    call.timeoutMs = Math.min(timeoutMs, maxDeadlineMs);
    call.isDeadlineShortened = timeoutMs > maxDeadlineMs;
  };
}

/** Has Connect, which reads the deadline from the headers by itself, read the shortened one. */
export function writeDeadline(call: Call, header: Headers): void {
  if (call.isDeadlineShortened && call.timeoutMs !== undefined) {
    // Eight digits are the most that gRPC has. Milliseconds fill them after a day, seconds after three years.
    const grpc = call.timeoutMs < 1e8 ? `${Math.floor(call.timeoutMs)}m` : `${Math.floor(call.timeoutMs / 1000)}S`;
    header.set(headerOf(call), isGrpc(call) ? grpc : String(Math.floor(call.timeoutMs)));
  }
}

function headerOf(call: Call): "grpc-timeout" | "connect-timeout-ms" {
  return isGrpc(call) ? "grpc-timeout" : "connect-timeout-ms";
}

function isGrpc({ protocol }: Call): boolean {
  return protocol !== "connect";
}
