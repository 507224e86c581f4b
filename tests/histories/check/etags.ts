import type { Operation } from "./operation.js";

/** The etag that the caller of an operation has seen, in a list of one or none. */
export function seenEtag({ result }: Operation): string[] {
  if (result.outcome === "refused") {
    return result.currentEtag === undefined ? [] : [result.currentEtag];
  }
  if (result.outcome !== "done") {
    return [];
  }
  const { answer } = result;
  const etag = answer.type === "get" || answer.type === "delete" ? answer.entry?.etag : answer.etag;
  return etag === undefined ? [] : [etag];
}
