import { seenEtag } from "./etags.js";
import type { KeyState } from "./key-state.js";
import type { Operation } from "./operation.js";

/**
 * Whether a write must wait, because one of the others must still see what it would write over: etags never come back, nor
 * do values. A touch keeps the value.
 */
export function mustWait({ item }: KeyState, write: Operation, others: readonly Operation[]): boolean {
  if (item === undefined) {
    return false;
  }
  const { etag, content } = item;
  return others.some(
    (operation) =>
      demandedEtag(operation) === etag ||
      (write.request.type !== "touch" && content.kind === "value" && seenValue(operation) === content.value),
  );
}

function seenValue({ result }: Operation): string | undefined {
  const seen = result.outcome === "done" && result.answer.type === "get" ? result.answer.entry?.content : undefined;
  return seen?.kind === "value" ? seen.value : undefined;
}

/** The etag that an operation must find at the key. */
function demandedEtag(operation: Operation): string | undefined {
  const { request, result } = operation;
  if (result.outcome === "unknown") {
    return undefined;
  }
  if (result.outcome === "done" && request.type !== "get") {
    const condition = request.type === "incr" ? undefined : request.condition;
    return condition?.test === "etag" ? condition.etag : undefined;
  }
  return seenEtag(operation)[0];
}
