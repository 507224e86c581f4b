import type { HandlerContext } from "@connectrpc/connect";
import { callKey } from "./call.js";
import type { ServedService } from "./routes.js";

type Implementation = (request: { key?: unknown; keys?: unknown }, context: HandlerContext) => unknown;

/** A service that notes with each call the keys that its request names, for logs and metrics. */
export function noteKeys({ service, implementation }: ServedService): ServedService {
  const noting = Object.entries(implementation).map(([name, method]) => [
    name,
    (request: Parameters<Implementation>[0], context: HandlerContext) => {
      const call = context.values.get(callKey);
      if (call !== undefined) {
        call.keys = keysOf(request);
      }
      return (method as Implementation)(request, context);
    },
  ]);
  return { service, implementation: Object.fromEntries(noting) };
}

function keysOf({ key, keys }: Parameters<Implementation>[0]): readonly string[] | undefined {
  return typeof key === "string" ? [key] : Array.isArray(keys) ? keys : undefined;
}
