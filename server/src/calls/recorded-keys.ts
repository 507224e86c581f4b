import type { Message } from "@bufbuild/protobuf";
import type { Call } from "./call.js";

/** Records with a call the keys that its request names, for logs and metrics. */
export function recordKeys(call: Call, request: Message): void {
  const { key, keys, entries } = request as {
    readonly key?: unknown;
    readonly keys?: unknown;
    readonly entries?: readonly { readonly key: string }[];
  };
  call.keys =
    typeof key === "string"
      ? [key]
      : Array.isArray(keys)
        ? keys
        : Array.isArray(entries)
          ? entries.map((entry) => entry.key)
          : undefined;
}
