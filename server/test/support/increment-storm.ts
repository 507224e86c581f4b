import { ConnectError } from "@connectrpc/connect";
import type { FaultProxy } from "../../src/faults/index.js";
import { createRequestIds } from "../../src/store/counters/own-request-ids.js";
import { describeFailure } from "./errors.js";
import type { KeyValueClient } from "./test-server.js";

export interface StormOptions {
  readonly key: string;
  readonly writers: number;
  /** How many increments each writer makes, one after the other. */
  readonly each: number;
  /** The client for a try: a repetition may go to another replica. */
  readonly clientFor: (writer: number, attempt: number) => KeyValueClient;
  readonly clock?: () => number;
}

/**
 * Increments a counter by one from many clients at once. Each increment has an id, and is repeated with it until there is an
 * answer, as a caller would: whatever failed says that it may be. Resolves with every answer.
 */
export async function incrementStorm(options: StormOptions): Promise<bigint[]> {
  const { key, writers, each, clientFor, clock } = options;
  const answers: bigint[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const ids = createRequestIds(clock);
      let attempt = 0;
      for (let n = 0; n < each; n++) {
        await ids.use(key, async (requestId) => {
          for (;;) {
            const client = clientFor(writer, attempt++);
            try {
              answers.push((await client.incr({ key, requestId }, { timeoutMs: 10_000 })).value);
              return;
            } catch (error) {
              refuseFinal(error);
            }
          }
        });
      }
    }),
  );
  return answers;
}

/** What the service itself refuses must be repeatable; a lost connection to a replica says nothing. */
function refuseFinal(error: unknown): void {
  const failure = describeFailure(ConnectError.from(error));
  if (failure.reason !== undefined && failure.retryable !== true && failure.reason !== "DEADLINE_EXCEEDED") {
    throw error;
  }
}

/** Lets the engine carry out the first try of each increment, and loses its answer. */
export function loseFirstAnswers(proxy: FaultProxy): void {
  const seen = new Set<string>();
  proxy.decide = ({ operation, bytes }) => {
    if (operation !== "UpdateItem" && operation !== "PutItem") {
      return "forward";
    }
    // The tries of one increment have the same etag in them, and nothing else that is 16 characters long.
    const etag = /"S":"([\w-]{16})"/.exec(bytes.toString())?.[1] ?? "";
    const isFirst = !seen.has(`${operation} ${etag}`);
    seen.add(`${operation} ${etag}`);
    return isFirst ? "lose-answer" : "forward";
  };
}
