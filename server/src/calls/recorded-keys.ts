import type { Message } from "@bufbuild/protobuf";
import type { Call } from "./call.js";

/** Records with a call the keys that its request names, for logs and metrics. */
export function recordKeys(call: Call, request: Message): void {
  call.keys = keysOf(request);
}

function keysOf(request: Message): readonly string[] | undefined {
  const { key, keys, entries } = request as Message & {
    readonly key?: unknown;
    readonly keys?: unknown;
    readonly entries?: readonly { readonly key: string }[];
  };
  if (typeof key === "string") {
    return [key];
  }
  if (Array.isArray(keys)) {
    return keys;
  }
  return Array.isArray(entries) ? entries.map((entry) => entry.key) : undefined;
}
