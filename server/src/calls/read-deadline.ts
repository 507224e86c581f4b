import type { IncomingHttpHeaders } from "node:http";
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";

/** The deadline that a request's head sets in any protocol, in milliseconds; undefined without one that can be read. */
export function readDeadlineMs(headers: IncomingHttpHeaders): number | undefined {
  const { "grpc-timeout": grpc, "connect-timeout-ms": connect } = headers;
  const ms =
    typeof connect === "string"
      ? Number(connect)
      : parseTimeout(typeof grpc === "string" ? grpc : null, Number.MAX_SAFE_INTEGER).timeoutMs;
  return ms === undefined || Number.isNaN(ms) ? undefined : ms;
}
