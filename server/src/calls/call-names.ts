import { Code } from "@connectrpc/connect";
import type { Call, CallHead } from "./call.js";

/** The name of a method in logs, metrics and traces, such as `dynakv.v1.KeyValueService/Get`. */
export function methodName({ method }: Pick<CallHead, "method">): string | undefined {
  return method === undefined ? undefined : `${method.parent.typeName}/${method.name}`;
}

/** The code of a call that has ended, in logs, metrics and traces, such as `InvalidArgument`. */
export function codeOf({ error }: Pick<Call, "error">): string {
  return error === undefined ? "OK" : Code[error.code];
}
