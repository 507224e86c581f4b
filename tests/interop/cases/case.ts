import type { JsonObject } from "../json.js";

/**
 * One call of a case and its answer, in Protobuf's JSON. What differs from one run to the next stands in angle brackets:
 *
 * - `<key>` is the beginning of every key: each client has keys of its own.
 * - `<id 1>` is a fresh request id, `<old id>` one that was made an hour ago.
 * - `<etag 1>` is the first etag that the case has met, `<etag 2>` the next other one.
 * - `<now>` is a time within the last moments, `<in an hour>` one an hour after that.
 *
 * The results of an MGet, MSet or MDelete stand in one list, in the order of their positions, however many messages they came in. Texts for people are not written down
 * here; they only have to be the same for all clients.
 */
export interface Step {
  readonly method: "Get" | "Set" | "MGet" | "MSet" | "Delete" | "MDelete" | "Incr" | "Touch";
  readonly request: JsonObject;
  readonly answer: JsonObject;
}

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

export function step(method: Step["method"], request: JsonObject, answer: JsonObject): Step {
  return { method, request, answer };
}

/** An answer that is an error: its status code, and its details without the texts. */
export function refused(code: string, reason: string, { field, ...detail }: Refusal): JsonObject {
  const errorDetail = { "@type": "dynakv.v1.ErrorDetail", reason: `ERROR_REASON_${reason}`, ...detail };
  const badRequest = { "@type": "google.rpc.BadRequest", fieldViolations: [{ field: field ?? "" }] };
  return { code, details: field === undefined ? [errorDetail] : [errorDetail, badRequest] };
}

/** What an error tells beside its code and reason, each only if it is there. */
export interface Refusal {
  readonly outcome?: "OUTCOME_NOT_APPLIED" | "OUTCOME_UNKNOWN";
  readonly retryable?: boolean;
  readonly currentEtag?: string;
  /** The field of the request that google.rpc.BadRequest names. */
  readonly field?: string;
}
