import { Code } from "@connectrpc/connect";
import { deletePrefixOptions, updateOptions } from "./arguments/call-arguments.js";
import { callback, checkOptions, rejecting, text } from "./arguments/checks.js";
import type { CallRunner } from "./call.js";
import type { Entry } from "./entry.js";
import { DynakvError } from "./errors.js";
import type { ManyWriteCalls } from "./many-writes/calls.js";
import type { Operations } from "./operations.js";
import { type DeletePrefixOptions, deletePrefix, type PrefixDeleted } from "./scan/delete-prefix.js";
import { type Updated, type UpdateOptions, updateValue } from "./update.js";

/** How the values of an update are read and written. */
export interface ValueCodec<Read, Write> {
  decode(bytes: Uint8Array, entry: Entry): Read | Promise<Read>;
  encode(value: Write): Uint8Array | Promise<Uint8Array>;
}

/** What makes a new value of the one that there is; undefined leaves the key as it is. */
export type Change<Read, Write> = (value: Read | undefined) => Write | undefined | Promise<Write | undefined>;

/** The calls that are made of others. */
export interface CompoundCalls {
  update<Read, Write>(
    codec: ValueCodec<Read, Write>,
    key: string,
    change: Change<Read, Write>,
    options: UpdateOptions | undefined,
  ): Promise<Updated<Write> | undefined>;
  deletePrefix(prefix: string, options: DeletePrefixOptions | undefined): Promise<PrefixDeleted>;
}

export function createCompoundCalls(
  runner: CallRunner,
  calls: Pick<Operations, "get" | "set">,
  { mdelete }: Pick<ManyWriteCalls, "mdelete">,
): CompoundCalls {
  function update<Read, Write>(
    codec: ValueCodec<Read, Write>,
    key: string,
    change: Change<Read, Write>,
    given: UpdateOptions | undefined,
  ): Promise<Updated<Write> | undefined> {
    const { expiry = "keep", maxTries = 10, ...options } = checkOptions<UpdateOptions>("update", given, updateOptions);
    text("key", key);
    callback("change", change);
    return runner.run(options, (call) => {
      const within = () => ({ ...options, signal: call.signal, timeoutMs: runner.leftMs(call.endAt) });
      const steps = {
        async read() {
          const entry = await calls.get(key, { ...within(), consistency: "strong" });
          if (entry?.kind === "counter") {
            throw new DynakvError("the key holds a counter, not a value", {
              reason: "WRONG_KIND",
              code: Code.FailedPrecondition,
              outcome: "NOT_APPLIED",
              currentEtag: entry.etag,
            });
          }
          return entry && { value: await codec.decode(entry.value, entry), etag: entry.etag };
        },
        change,
        write: async (value: Write, condition: object) =>
          calls.set(key, await codec.encode(value), { ...within(), ...condition, expiry }),
      };
      return updateValue<Read, Write>(steps, maxTries, call.signal);
    });
  }

  return {
    update: rejecting(update) as typeof update,
    deletePrefix: rejecting((prefix, given) => {
      const options = checkOptions<DeletePrefixOptions>("deletePrefix", given, deletePrefixOptions);
      if (text("prefix", prefix) === "") {
        throw new TypeError("prefix must not be empty: that would remove the whole table");
      }
      return deletePrefix(runner, (keys, each) => mdelete({ prefix: "" }, keys, each), prefix, options);
    }),
  };
}
