import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import { isWrite, toConnectError } from "./to-connect-error.js";

/**
 * An error that is made before there is a call to refuse, once for all calls: what is done for a call that is shed must cost little,
 * or shedding would be an overload of its own. It is not logged by call, so it names no id but one that the caller has sent.
 */
export class PreparedError extends DynakvError {
  private read: ConnectError | undefined;
  private write: ConnectError | undefined;

  /** The same error each time, by whether the method writes. */
  asConnectError(method: DescMethod | undefined): ConnectError {
    if (isWrite(method)) {
      this.write ??= toConnectError(this.withOutcome(Outcome.NOT_APPLIED));
      return this.write;
    }
    this.read ??= toConnectError(this);
    return this.read;
  }
}
