import { type DynakvClient, DynakvError } from "@dynakv/client";
import type { Faults } from "../../src/faults.js";

/** What a call sees of a fault, by the client's defaults or without its retries. */
export interface FaultRow {
  readonly fault: string;
  readonly plan: (faults: Faults) => void;
  readonly call: string;
  readonly run: (client: DynakvClient) => Promise<unknown>;
  /** `success`, or reason and outcome. Of several the first is what is usually seen. */
  readonly sees: readonly string[];
  readonly because: string;
}

const value = new Uint8Array([1]);
const calls = {
  get: (client: DynakvClient) => client.get("key"),
  set: (client: DynakvClient) => client.set("key", value),
  incr: (client: DynakvClient) => client.incr("counter"),
  delete: (client: DynakvClient) => client.delete("key"),
};

function row(
  fault: string,
  plan: FaultRow["plan"],
  call: keyof typeof calls,
  sees: string | readonly string[],
  because: string,
): FaultRow {
  return { fault, plan, call, run: calls[call], sees: [sees].flat(), because };
}

const loseWrite = (faults: Faults) => faults.loseNextAnswer();
const throttleOne = (faults: Faults) => faults.throttleNext(1);
const throttleAll = (faults: Faults) => faults.throttleNext(Number.POSITIVE_INFINITY);
const failOne = (faults: Faults) => faults.failNext(1);
const unavailable = (faults: Faults) => faults.unavailable();
const slow = (faults: Faults) => faults.slowDown(60_000);

/** In the order of docs/testing.md, which `npm run docs` makes of them. */
export const faultRows: readonly FaultRow[] = [
  row("loseNextAnswer()", loseWrite, "set", "success", "the server finds its own etag in the table"),
  row("loseNextAnswer()", loseWrite, "incr", "success", "it is repeated with its request id, and counts once"),
  row(
    "loseNextAnswer()",
    loseWrite,
    "delete",
    "BACKEND_UNAVAILABLE, UNKNOWN",
    "somebody else may have removed the key",
  ),
  row(
    'loseNextAnswer({ of: "reads" })',
    (faults) => faults.loseNextAnswer({ of: "reads" }),
    "get",
    "success",
    "a read is repeated",
  ),
  row("throttleNext(1)", throttleOne, "get", "success", "the server waits and repeats"),
  row("throttleNext(1)", throttleOne, "set", "success", "what was throttled was not applied, and is repeated"),
  row(
    "throttleNext(Infinity)",
    throttleAll,
    "set",
    "THROTTLED, NOT_APPLIED",
    "after 5 tries of the server's, and as many of the client's as its deadline allows",
  ),
  row("throttleNext(Infinity)", throttleAll, "get", "THROTTLED", "likewise"),
  row("failNext(1)", failOne, "get", "success", "a read is repeated"),
  row("failNext(1)", failOne, "set", "BACKEND_UNAVAILABLE, UNKNOWN", "DynamoDB may have applied it before it failed"),
  row("failNext(1)", failOne, "incr", "success", "it is repeated with its request id"),
  row("unavailable()", unavailable, "get", "BACKEND_UNAVAILABLE", "after all tries"),
  row(
    "unavailable()",
    unavailable,
    "set",
    ["BACKEND_UNAVAILABLE, NOT_APPLIED", "BACKEND_UNAVAILABLE, UNKNOWN"],
    "it was never sent; or it was just being sent",
  ),
  row("slowDown(60_000)", slow, "get", "DEADLINE_EXCEEDED", "the call's deadline comes first"),
  row("slowDown(60_000)", slow, "set", "DEADLINE_EXCEEDED, UNKNOWN", "it was applied, and nobody has said so yet"),
];

/** Reason and outcome of what a call rejects with. */
export async function seen(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "success";
  } catch (error) {
    if (error instanceof DynakvError) {
      return [error.reason, error.outcome].filter((part) => part !== undefined).join(", ");
    }
    throw error;
  }
}
