import { Code } from "@connectrpc/connect";

/** `InvalidArgument` as gRPC writes it: `INVALID_ARGUMENT`. */
export function codeName(code: Code): string {
  return (Code[code] ?? `code ${code}`).replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
