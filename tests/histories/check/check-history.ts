import type { Operation } from "./operation.js";
import { renderOperation, renderOperations, renderState } from "./render-operations.js";
import { type Search, searchOrder } from "./search.js";

/** What is wrong with the history of one key. */
export interface Violation {
  /** One line. */
  readonly summary: string;
  /** The shortest part of the history, by completions, that is not linearizable. */
  readonly prefix: readonly Operation[];
  /** The operations around it, for people. */
  readonly rendering: string;
}

export interface CheckResult {
  readonly verdict: Search["verdict"];
  /** How many states were visited. */
  readonly visited: number;
  readonly violation: Violation | undefined;
}

/** A history of a hundred operations visits some hundred states; only wrong ones, or those with many unknown writes, more. */
const defaultMaxVisited = 300_000;

/** How many operations before a violation are shown. */
const shownBefore = 12;

/** Checks that the operations on one key are linearizable, from a key that holds nothing on. */
export function checkHistory(operations: readonly Operation[], maxVisited = defaultMaxVisited): CheckResult {
  const { verdict, visited } = searchOrder(operations, maxVisited);
  return { verdict, visited, violation: verdict === "violation" ? explain(operations, maxVisited) : undefined };
}

function explain(operations: readonly Operation[], maxVisited: number): Violation {
  const ends = operations.map(({ completed }) => completed).sort((a, b) => a - b);
  // A history is linearizable only if all of its prefixes are.
  let good = -1;
  let bad = ends.length - 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (searchOrder(prefixUntil(operations, ends[middle] ?? 0), maxVisited).verdict === "violation") {
      bad = middle;
    } else {
      good = middle;
    }
  }
  const prefix = prefixUntil(operations, ends[bad] ?? 0);
  const last = prefix.find(({ completed }) => completed === ends[bad]);
  const { state, left } = searchOrder(prefix, maxVisited).furthest;
  const definite = left.filter(({ result }) => result.outcome !== "unknown");
  const shown = prefix.filter(({ completed, result }) => {
    return completed >= (ends[bad - shownBefore] ?? 0) || result.outcome === "unknown";
  });
  return {
    summary: last === undefined ? "not linearizable" : `${renderOperation(last)} fits no order`,
    prefix,
    rendering: [
      `${prefix.length} operations, of which the last ones and all unknown ones are shown`,
      renderOperations(shown, last),
      `In the order that came furthest the key held ${renderState(state)}, and these had found no place:`,
      renderOperations(definite, last),
    ].join("\n"),
  };
}

/** What had been invoked by then; what had not been completed might have had any result, or none. */
function prefixUntil(operations: readonly Operation[], end: number): Operation[] {
  return operations
    .filter(({ invoked }) => invoked < end)
    .map((operation) =>
      operation.completed <= end ? operation : { ...operation, result: { outcome: "unknown", why: "in flight" } },
    );
}
