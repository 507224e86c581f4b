import type { CallOptions } from "@connectrpc/connect";
import type { Random } from "../../../server/test/support/random.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";
import type { Result } from "../check/operation.js";
import { resultOfFailure } from "./results.js";

/** So often at most: then its caller gives up. */
const maxTries = 8;

/** Removes what has an etag under one id, through any replica, until the answer tells what became of it. */
export async function deleteOnce(
  replicas: readonly KeyValueClient[],
  { key, etag, requestId }: { readonly key: string; readonly etag: string; readonly requestId: string },
  random: Random,
  optionsOfTry: () => CallOptions,
): Promise<Result> {
  const request = { key, condition: { test: { case: "ifEtag", value: etag } }, requestId } as const;
  let isDoubtful = false;
  for (let tries = 1; ; tries++) {
    try {
      const { existed } = await random.pick(replicas).delete(request, optionsOfTry());
      // Another has removed the entry, and nothing has come in its place yet.
      return existed
        ? { outcome: "done", answer: { type: "delete", existed } }
        : { outcome: "refused", reason: "ETAG_MISMATCH", currentEtag: undefined };
    } catch (error) {
      const { result } = resultOfFailure(error);
      if (result.outcome !== "unknown") {
        return isDoubtful ? { outcome: "unknown", why: "not the first try" } : result;
      }
      isDoubtful = true;
      if (tries >= maxTries) {
        return result;
      }
    }
  }
}
