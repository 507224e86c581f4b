import { Code } from "@connectrpc/connect";
import type { Call, CallHead } from "./call.js";

/** The protocols in which calls come. */
export type CallProtocol = "grpc" | "grpc-web" | "connect";

/** The protocol that a call's head shows. What is neither of gRPC's is taken for Connect's, plain JSON and GET among it. */
export function protocolOf({ headers }: Pick<CallHead, "headers">): CallProtocol {
  const type = headers["content-type"] ?? "";
  return !type.startsWith("application/grpc")
    ? "connect"
    : type.startsWith("application/grpc-web")
      ? "grpc-web"
      : "grpc";
}

/** The name of a method in logs, metrics and traces, such as `dynakv.v1.KeyValueService/Get`. */
export function methodName({ method }: Pick<CallHead, "method">): string | undefined {
  return method === undefined ? undefined : `${method.parent.typeName}/${method.name}`;
}

/** The code of a call that has ended, in logs, metrics and traces, such as `InvalidArgument`. */
export function codeOf({ error }: Pick<Call, "error">): string {
  return error === undefined ? "OK" : Code[error.code];
}
