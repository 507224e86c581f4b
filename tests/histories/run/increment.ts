import type { CallOptions } from "@connectrpc/connect";
import type { RequestIds } from "../../../server/src/store/counters/own-request-ids.js";
import type { KeyValueClient } from "../../../server/test/support/test-server.js";
import type { Answer, Request, Result } from "../check/operation.js";
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
  onAnswer: (answered: Answered) => void,
): Promise<Result> {
  return ids.use(key, async (requestId) => {
    let isUncertain = false;
    for (let n = 0; ; n++) {
      const client = clients[n % clients.length] as KeyValueClient;
      try {
        const answer = await callUnary(client, key, request, { ...optionsOfTry(), requestId });
        onAnswer({ key, request, requestId, answer });
        return { outcome: "done", answer };
      } catch (error) {
        const { result, retryable } = resultOfFailure(error);
        isUncertain ||= result.outcome === "unknown";
        const mayRetry = retryable || (result.outcome === "unknown" && result.why !== "REQUEST_TOO_OLD");
        if (!mayRetry || n + 1 >= maxTries) {
          // What the last try was refused for says nothing of the tries that may yet arrive.
          return isUncertain ? { outcome: "unknown", why: whyOf(result) } : result;
        }
      }
    }
  });
}

/** An increment that was applied. */
export interface Answered {
  readonly key: string;
  readonly request: Request;
  readonly requestId: string;
  readonly answer: Answer;
}

/** An increment that was repeated, and had another answer than the first time, or was not known any more within the window. */
export class AnsweredTwice extends Error {}

/**
 * Sends an increment once more that was answered before: it must be answered alike; or fail, but not as one that is too old when
 * no clock can say so, by the one that is the most ahead.
 */
export async function replay(
  client: KeyValueClient,
  { key, request, requestId, answer }: Answered,
  options: CallOptions,
  oldestMs: () => number,
): Promise<void> {
  let again: Answer;
  try {
    again = await callUnary(client, key, request, { ...options, requestId });
  } catch (error) {
    const { result } = resultOfFailure(error);
    const idMs = Number.parseInt(requestId.replace("-", "").slice(0, 12), 16);
    if ("why" in result && result.why === "REQUEST_TOO_OLD" && idMs > oldestMs()) {
      throw new AnsweredTwice(`key ${key}: an increment was answered, and is not known any more within the window`);
    }
    return;
  }
  const [first, second] = [answer, again].map((each) => (each.type === "incr" ? `${each.count} ${each.etag}` : ""));
  if (first !== second) {
    throw new AnsweredTwice(`key ${key}: an increment was answered by ${first}, and its repetition by ${second}`);
  }
}

function whyOf(result: Result): string {
  return "why" in result ? result.why : "reason" in result ? `${result.reason} after a lost answer` : "";
}
