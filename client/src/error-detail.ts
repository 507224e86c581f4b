import { ConnectError } from "@connectrpc/connect";
import { type ErrorDetail, ErrorDetailSchema } from "../../gen/dynakv/v1/error_pb.js";

/**
 * What the server says about a failed call: the reason, and for a write whether it was applied.
 *
 * Undefined when the error did not come from a dynakv server: the connection broke, a proxy answered, the deadline passed
 * on this side first. A write that fails without a detail may have been applied.
 */
export function getErrorDetail(error: unknown): ErrorDetail | undefined {
  return error instanceof ConnectError ? error.findDetails(ErrorDetailSchema)[0] : undefined;
}
