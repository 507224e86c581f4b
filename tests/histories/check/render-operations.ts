import type { KeyState } from "./key-state.js";
import type { Condition, Content, Expiry, Operation, Request, Result, SeenEntry } from "./operation.js";

/** A line for each operation, in the order of their invocation. */
export function renderOperations(operations: readonly Operation[], marked?: Operation): string {
  const sorted = [...operations].sort((a, b) => a.invoked - b.invoked);
  return sorted
    .map((operation) => `${operation.id === marked?.id ? "=>" : "  "} ${renderOperation(operation)}`)
    .join("\n");
}

export function renderOperation({ id, client, invoked, completed, clockFrom, clockTo, ...call }: Operation): string {
  const clock = clockFrom === clockTo ? `${clockFrom}` : `${clockFrom} to ${clockTo}`;
  return `#${id} ${client} [${invoked}, ${completed}] at ${clock}: ${renderRequest(call.request)} -> ${renderResult(call.result)}`;
}

export function renderState({ item }: KeyState): string {
  if (item === undefined) {
    return "nothing";
  }
  const etag = typeof item.etag === "number" ? `the etag of #${item.etag}` : `etag ${item.etag}`;
  return `${renderContent(item.content)} with ${etag}${renderExpiry(item.expireAt)}`;
}

function renderRequest(request: Request): string {
  switch (request.type) {
    case "get":
      return "get";
    case "set":
      return `${request.isSwap ? "swap" : "set"} ${request.counter ?? `'${request.value}'`}${renderExpiry(request.expiry)}${renderCondition(request.condition)}`;
    case "delete":
      return `${request.isTake ? "take" : "delete"}${renderCondition(request.condition)}`;
    case "incr": {
      const { delta, min, max } = request;
      const bounds = min === undefined && max === undefined ? "" : ` within ${min ?? "any"} to ${max ?? "any"}`;
      const created =
        request.expiryIfCreated === undefined ? "" : `, if created${renderExpiry(request.expiryIfCreated)}`;
      return `incr by ${delta}${bounds}${renderExpiry(request.expiry)}${created}`;
    }
    case "touch": {
      const below = request.ifRemainingBelow === undefined ? "" : `, below ${request.ifRemainingBelow} ms`;
      return `${request.isRead ? "get and touch" : "touch"}${renderExpiry(request.expiry)}${below}${renderCondition(request.condition)}`;
    }
  }
}

function renderResult(result: Result): string {
  switch (result.outcome) {
    case "refused":
      return result.currentEtag === undefined ? result.reason : `${result.reason}, current etag ${result.currentEtag}`;
    case "not-applied":
      return `not applied (${result.why})`;
    case "unknown":
      return `unknown (${result.why})`;
    case "done":
      break;
  }
  const { answer } = result;
  switch (answer.type) {
    case "get":
      return renderEntry(answer.entry);
    case "set":
      return `etag ${answer.etag}${renderExpiry(answer.expireAt)}, before: ${renderEntry(answer.previous)}`;
    case "delete":
      return answer.existed ? `existed: ${renderEntry(answer.entry)}` : "did not exist";
    case "incr":
      return `${answer.count}, etag ${answer.etag}${renderExpiry(answer.expireAt)}`;
    case "touch":
      return answer.existed
        ? `${answer.isUnchanged ? "unchanged, " : ""}etag ${answer.etag}${renderExpiry(answer.expireAt)}, ${renderEntry(answer.entry)}`
        : "did not exist";
  }
}

function renderEntry(entry: SeenEntry | undefined): string {
  return entry === undefined
    ? "missing"
    : `${renderContent(entry.content)} with etag ${entry.etag}${renderExpiry(entry.expireAt)}`;
}

function renderContent(content: Content): string {
  return content.kind === "value" ? `value '${content.value}'` : `counter ${content.count}`;
}

function renderExpiry(expiry: Expiry | "keep" | "untold" | undefined): string {
  switch (expiry) {
    case undefined:
    case "untold":
      return "";
    case "never":
      return ", never expires";
    case "keep":
      return ", keeps its expiry";
    default:
      return `, expires at ${expiry}`;
  }
}

function renderCondition(condition: Condition | undefined): string {
  if (condition === undefined) {
    return "";
  }
  return condition.test === "etag" ? ` if etag ${condition.etag}` : ` if ${condition.test}`;
}
