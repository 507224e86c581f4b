import type { CallRunner } from "../call.js";
import type { CallOptions } from "../call-options.js";
import { metadataDecoder } from "../decoder.js";
import type { WriteResults } from "../many-writes/many-writes.js";
import type { MDeleteOptions } from "../many-writes/options.js";
import type { Deleted } from "../many-writes/result.js";
import { scan } from "./scan.js";

/** Options of deletePrefix. */
export interface DeletePrefixOptions extends CallOptions {
  /** Where to go on: the cursor of an earlier deletePrefix with the same prefix. The default is from the beginning. */
  readonly cursor?: string | undefined;
  /** Stops after so many keys, and those that were found with the last of them. The default is all keys. */
  readonly maxKeys?: number | undefined;
  /**
   * Called after each part, with what is removed by now: a cursor to keep, should this end early. Called once more where it does, with
   * the cursor of the part in which something failed, which is undefined for the first.
   */
  readonly onProgress?: ((progress: PrefixDeleted) => void) | undefined;
}

/** How far a deletePrefix has come. */
export interface PrefixDeleted {
  /** Number of entries that this call has removed. */
  readonly deleted: number;
  /** Goes on after what is removed; undefined when the end is reached. */
  readonly cursor: string | undefined;
}

/** Removes the keys with a prefix, as a scan finds them, in memory that does not grow with their number. */
export async function deletePrefix(
  runner: CallRunner,
  mdelete: (keys: readonly string[], options: MDeleteOptions) => WriteResults<Deleted>,
  prefix: string,
  { cursor, maxKeys = Number.POSITIVE_INFINITY, onProgress, ...options }: DeletePrefixOptions,
): Promise<PrefixDeleted> {
  // No deadline unless one is asked for, as for a scan.
  const call = runner.begin(options, 0);
  const within = () => ({ ...options, signal: call.signal, timeoutMs: runner.leftMs(call.endAt) });
  let deleted = 0;
  let begun = cursor;
  try {
    const found = scan(runner, metadataDecoder(""), { ...within(), prefix, cursor });
    for await (const page of found.pages()) {
      const keys = page.results.map(({ key }) => key);
      let failure: { readonly cause: unknown } | undefined;
      try {
        // To be gone is what was asked for: a repetition does no harm.
        for await (const result of mdelete(keys, { ...within(), idempotent: true })) {
          // The answer of one that has failed throws, and with it those that are in flight would go uncounted.
          if (result.error === undefined) {
            deleted += result.answer.existed ? 1 : 0;
          } else {
            failure ??= { cause: result.error };
          }
        }
      } catch (cause) {
        failure ??= { cause };
      }
      if (failure !== undefined) {
        onProgress?.({ deleted, cursor: begun });
        throw failure.cause;
      }
      begun = page.cursor;
      onProgress?.({ deleted, cursor: page.cursor });
      if (deleted >= maxKeys) {
        return { deleted, cursor: page.cursor };
      }
    }
    return { deleted, cursor: undefined };
  } finally {
    call.end();
  }
}
