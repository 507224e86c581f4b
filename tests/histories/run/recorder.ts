import { seenEtag } from "../check/etags.js";
import type { Operation, Request, Result } from "../check/operation.js";

/** Writes down what clients did, in the order in which it began and ended. */
export interface Recorder {
  /** An operation begins. The function that is returned ends it. */
  begin(client: string, key: string, request: Request): (result: Result) => void;
  /** What is known of a key so far. */
  readonly histories: ReadonlyMap<string, readonly Operation[]>;
  /** The etags that callers have seen at a key, the latest at the end. */
  etags(key: string): readonly string[];
}

export function createRecorder(keys: readonly string[], nowMs: () => number): Recorder {
  const histories = new Map(keys.map((key): [string, Operation[]] => [key, []]));
  const etags = new Map(keys.map((key): [string, string[]] => [key, []]));
  let events = 0;
  let operations = 0;
  return {
    histories,
    begin(client, key, request) {
      const id = operations++;
      const invoked = events++;
      const clockFrom = nowMs();
      return (result) => {
        const times = { invoked, completed: events++, clockFrom, clockTo: nowMs() };
        const operation: Operation = { id, client, ...times, request, result };
        histories.get(key)?.push(operation);
        etags.get(key)?.push(...seenEtag(operation));
      };
    },
    etags: (key) => etags.get(key) ?? [],
  };
}
