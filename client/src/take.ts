import { Code } from "@connectrpc/connect";
import type { Entry } from "./entry.js";
import { DynakvError } from "./errors.js";
import { sleep } from "./sleep.js";
import { wasOvertaken } from "./update.js";
import type { ConditionOptions } from "./write-options.js";

/** What a take of one key is made of. */
export interface TakeSteps {
  /** Reads it strongly. */
  read(): Promise<Entry | undefined>;
  /** Removes what has this etag, under a request id of its own, so that it can be repeated. False if another has removed it. */
  remove(etag: string): Promise<{ readonly existed: boolean }>;
}

/** So often others may change the entry between the read and the Delete. */
const maxTries = 10;

/**
 * Reads an entry and removes that very entry: of all who read it one alone can. So what a lost answer told is known all the same, and
 * the Delete can be repeated until it is told what became of it.
 */
export async function takeEntry(
  { read, remove }: TakeSteps,
  condition: ConditionOptions,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  for (let attempt = 1; ; attempt++) {
    const entry = await read().catch((error: unknown) => {
      throw error instanceof DynakvError ? error.beforeWriting() : error;
    });
    refuseUnless(condition, entry);
    if (entry === undefined) {
      return undefined;
    }
    try {
      if ((await remove(entry.etag)).existed) {
        return entry;
      }
    } catch (error) {
      if (!wasOvertaken(error) || attempt >= maxTries) {
        throw error;
      }
    }
    // Whoever has removed it left nothing to take, but others may have stored something since.
    await sleep(Math.random() * Math.min(200, 2 ** attempt), signal);
  }
}

/** Throws what the server would, where the condition does not hold. */
function refuseUnless({ ifAbsent, ifPresent, ifEtag }: ConditionOptions, entry: Entry | undefined): void {
  const refused = (reason: "ALREADY_EXISTS" | "NOT_PRESENT" | "ETAG_MISMATCH", message: string) =>
    new DynakvError(message, {
      reason,
      code: reason === "ETAG_MISMATCH" ? Code.Aborted : Code.FailedPrecondition,
      outcome: "NOT_APPLIED",
      currentEtag: entry?.etag,
    });
  if (ifAbsent === true && entry !== undefined) {
    throw refused("ALREADY_EXISTS", "the key already holds an entry");
  }
  if (ifPresent === true && entry === undefined) {
    throw refused("NOT_PRESENT", "the key holds no entry");
  }
  if (ifEtag !== undefined && entry?.etag !== ifEtag) {
    throw refused(
      "ETAG_MISMATCH",
      entry === undefined ? "the key holds no entry" : "etag mismatch: the entry has another etag",
    );
  }
}
