import type { CallOptions } from "@connectrpc/connect";
import type { RequestIds } from "../../../../client/src/request-ids.js";
import type { KeyValueClient } from "../../support/test-server.js";
import type { Request, Result } from "../check/operation.js";
import { callUnary } from "./calls.js";
import { resultOfFailure } from "./results.js";

/** How often an increment with a request id is sent at most. */
const maxTries = 4;

/**
 * Sends an increment with a request id, again with the same id through the next replica while its outcome is unknown or it
 * may be repeated: one operation, whatever the number of its tries.
 */
export function incrementOnce(
  ids: RequestIds,
  clients: readonly KeyValueClient[],
  key: string,
  request: Request,
  optionsOfTry: () => CallOptions,
): Promise<Result> {
  return ids.use(key, async (requestId) => {
    let isInDoubt = false;
    for (let n = 0; ; n++) {
      const client = clients[n % clients.length] as KeyValueClient;
      try {
        return { outcome: "done", answer: await callUnary(client, key, request, { ...optionsOfTry(), requestId }) };
      } catch (error) {
        const { result, retryable } = resultOfFailure(error);
        isInDoubt ||= result.outcome === "unknown";
        const mayPass = retryable || (result.outcome === "unknown" && result.why !== "REQUEST_TOO_OLD");
        if (!mayPass || n + 1 >= maxTries) {
          // What the last try was refused for says nothing of the tries that may yet arrive.
          return isInDoubt ? { outcome: "unknown", why: whyOf(result) } : result;
        }
      }
    }
  });
}

function whyOf(result: Result): string {
  return "why" in result ? result.why : "reason" in result ? `${result.reason} after a lost answer` : "";
}
