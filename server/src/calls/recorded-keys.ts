import type { Message } from "@bufbuild/protobuf";
import type { Call } from "./call.js";

/** Records with a call the keys that its request names, for logs and metrics. */
export function recordKeys(call: Call, request: Message): void {
  const { key, keys } = request as { readonly key?: unknown; readonly keys?: unknown };
  call.keys = typeof key === "string" ? [key] : Array.isArray(keys) ? keys : undefined;
}
