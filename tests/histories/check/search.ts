import { mustWait } from "./demand.js";
import { emptyState, type KeyState } from "./key-state.js";
import { collectFacts, nextStates } from "./next-states.js";
import type { Operation } from "./operation.js";

export interface Search {
  /** Undecided when there were more states than allowed. */
  readonly verdict: "linearizable" | "violation" | "inconclusive";
  /** How many states were visited. */
  readonly visited: number;
  /** The state in which the most operations had found their place, and those that had not. */
  readonly furthest: { readonly state: KeyState; readonly left: readonly Operation[] };
}

/**
 * Looks for an order in which all operations on one key may have taken effect, each between its invocation and its
 * completion, such that each has the result that it had. This is Wing and Gong's search, with Lowe's memory of what was
 * visited: the set of operations that have taken effect, and the state that they led to.
 */
export function searchOrder(history: readonly Operation[], maxVisited: number): Search {
  const operations = history.filter(isRelevant).sort((a, b) => endOf(a) - endOf(b) || a.invoked - b.invoked);
  const facts = collectFacts(operations);
  const twins = findTwins(operations);
  const memory = createMemory();
  let furthest: Search["furthest"] = { state: emptyState, left: operations };
  let fewestLeft = Number.POSITIVE_INFINITY;

  /** Undefined when the bound was met. */
  function search(
    left: readonly Operation[],
    definiteDone: bigint,
    unknownDone: bigint,
    state: KeyState,
  ): boolean | undefined {
    if (memory.covers(`${definiteDone.toString(36)} ${state.text}`, unknownDone)) {
      return false;
    }
    if (memory.size() > maxVisited) {
      return undefined;
    }
    const definite = left.filter((operation) => !isUnknown(operation));
    if (definite.length < fewestLeft) {
      fewestLeft = definite.length;
      furthest = { state, left };
    }
    const [first] = definite;
    if (first === undefined) {
      return true;
    }
    // What was invoked after another had completed cannot come before it.
    const candidates = left.filter(({ invoked }) => invoked < first.completed);
    const branches: [Operation, KeyState][] = [];
    for (const operation of candidates) {
      const twin = twins.get(operation);
      if (twin !== undefined && left.includes(twin)) {
        continue;
      }
      const next = nextStates(state, operation, facts);
      if (isRead(operation) && next.includes(state)) {
        // It fits here and changes nothing: wherever else it fits, it might as well be here.
        branches.splice(0, branches.length, [operation, state]);
        break;
      }
      branches.push(...next.map((each): [Operation, KeyState] => [operation, each]));
    }
    for (const [operation, next] of branches) {
      const others = left.filter((other) => other !== operation);
      const bit = 1n << BigInt(operations.indexOf(operation));
      const unknown = isUnknown(operation);
      if (next.item !== state.item && !isRead(operation) && mustWait(state, operation, others)) {
        continue;
      }
      const found = search(
        others,
        unknown ? definiteDone : definiteDone | bit,
        unknown ? unknownDone | bit : unknownDone,
        next,
      );
      if (found !== false) {
        return found;
      }
    }
    return false;
  }

  const found = hasRepeatedEtag(operations) ? false : search(operations, 0n, 0n, emptyState);
  const verdict = found === undefined ? "inconclusive" : found ? "linearizable" : "violation";
  return { verdict, visited: memory.size(), furthest };
}

/**
 * What was visited in vain. The same place with more unknown writes used up is in vain as well, since none of them has to
 * take effect: this is what keeps ten of them from making a thousand places of one.
 */
function createMemory() {
  const places = new Map<string, bigint[]>();
  let visited = 0;
  return {
    size: () => visited,
    /** Whether the place was visited already; remembers it when not. */
    covers(place: string, unknownDone: bigint): boolean {
      const before = places.get(place);
      if (before?.some((each) => (each & unknownDone) === each)) {
        return true;
      }
      visited++;
      if (before === undefined) {
        places.set(place, [unknownDone]);
      } else {
        before.push(unknownDone);
      }
      return false;
    },
  };
}

/**
 * Unknown writes that are alike, each with the one before it. Wherever the later can take effect the earlier can too: it was
 * invoked before, at an earlier time of the clock, and neither has an end. So they are tried in one order only.
 */
function findTwins(operations: readonly Operation[]): Map<Operation, Operation> {
  const twins = new Map<Operation, Operation>();
  const last = new Map<string, Operation>();
  for (const operation of operations.filter(isUnknown)) {
    const kind = JSON.stringify(operation.request, (_, part) => (typeof part === "bigint" ? part.toString() : part));
    const before = last.get(kind);
    if (before !== undefined) {
      twins.set(operation, before);
    }
    last.set(kind, operation);
  }
  return twins;
}

function isUnknown({ result }: Operation): boolean {
  return result.outcome === "unknown";
}

function isRelevant({ request, result }: Operation): boolean {
  return result.outcome !== "not-applied" && !(request.type === "get" && result.outcome === "unknown");
}

/** Unknown writes stand at the end: they are tried last, and need not be placed at all. */
function endOf({ completed, result }: Operation): number {
  return result.outcome === "unknown" ? Number.MAX_SAFE_INTEGER : completed;
}

function isRead({ request, result }: Operation): boolean {
  return request.type === "get" || result.outcome === "refused";
}

/** Whether two writes returned the same etag: no order could excuse that. */
function hasRepeatedEtag(operations: readonly Operation[]): boolean {
  const { returned } = collectFacts(operations);
  const writes = operations.filter((operation) => collectFacts([operation]).returned.size > 0);
  return returned.size < writes.length;
}
