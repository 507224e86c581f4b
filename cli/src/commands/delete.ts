import type { DynakvClient } from "@dynakv/client";
import { type ExitCode, exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { type CommandCall, defineCommand } from "../command.js";
import { etagFlag } from "../etag-flag.js";
import type { FlagDefinitions } from "../flags.js";
import { printEntry } from "../print-entry.js";
import { missing } from "../read-flags.js";
import { readKeys } from "../transfer/read-keys.js";

const flags = {
  "if-present": { type: "boolean", help: "fail if there is no entry; one key only" },
  "if-etag": etagFlag("only if the entry has this etag; one key only"),
  print: {
    type: "boolean",
    help: "print what the key held, as get does; of several callers one gets it; one key only",
  },
  json: { type: "boolean", help: "with --print: print the entry whole" },
  null: { type: "boolean", help: "with -: keys are NUL-terminated instead of newline-terminated" },
  prefix: { type: "string", placeholder: "PREFIX", help: "remove all keys that begin with PREFIX; needs --yes" },
  yes: { type: "boolean", help: "with --prefix: yes, all of them" },
} as const satisfies FlagDefinitions;

export const deleteKeys = defineCommand({
  usage: "delete KEY... | - | --prefix PREFIX --yes",
  description: `Removes keys, whatever they hold, and prints how many of them held something.
A key that holds nothing is no failure, but with --print and --if-present.
With - the keys are what stdin brings, one a line; any number of them.
--prefix reads the whole table, and costs the read capacity for that. Keys that
are written meanwhile may or may not be removed. Run again, it removes the rest.`,
  flags,
  examples: [
    "dynakv delete greeting visits",
    'dynakv delete greeting --if-etag "$ETAG"',
    "dynakv delete job:1 --print",
    "dynakv keys --null session: | dynakv delete --null -",
    "dynakv delete --prefix session: --yes",
    "dynakv delete -- -odd-key",
  ],
  positionals: [0, Number.POSITIVE_INFINITY],
  async run(call) {
    const { client, positionals: keys, timeoutMs } = call;
    const { prefix } = call.flags;
    checkFlags(call);
    if (prefix !== undefined) {
      return deleteAll(client, prefix, timeoutMs);
    }
    if (keys.length === 1 && keys[0] === "-") {
      return deleteMany(client, readKeys("-", "stdin", { isNull: call.flags.null }), timeoutMs);
    }
    checkKeys(keys);
    return keys.length === 1 ? deleteOne(call) : deleteMany(client, keys, timeoutMs ?? defaultTimeoutMs);
  },
});

type Call = CommandCall<typeof flags>;

/** As of a call of one key. */
const defaultTimeoutMs = 10_000;

function checkFlags({ flags, positionals: { length, 0: first } }: Call): void {
  const { "if-present": ifPresent, "if-etag": ifEtag } = flags;
  const isOne = length === 1 && first !== "-";
  if ((ifPresent || ifEtag !== undefined || flags.print) && !isOne) {
    throw new UsageError("--if-present, --if-etag and --print are for one key");
  }
  if (ifPresent && ifEtag !== undefined) {
    throw new UsageError("give one of --if-present and --if-etag");
  }
  if (flags.json && !flags.print) {
    throw new UsageError("--json goes with --print");
  }
  if (flags.null && first !== "-") {
    throw new UsageError("--null goes with -, for keys from stdin");
  }
  if (flags.prefix === undefined ? length === 0 : length > 0) {
    throw new UsageError("give keys, or -, or --prefix");
  }
  if (flags.prefix === "") {
    throw new UsageError("--prefix must not be empty: that would remove the whole table");
  }
  if (flags.prefix !== undefined && !flags.yes) {
    throw new UsageError("--prefix removes every key that begins with it; give --yes as well");
  }
}

async function deleteOne({ client, flags, positionals: [key = ""] }: Call): Promise<ExitCode> {
  const { "if-present": ifPresent, "if-etag": ifEtag } = flags;
  const options = ifPresent ? { ifPresent } : ifEtag === undefined ? {} : { ifEtag };
  if (!flags.print) {
    await print(`${(await client.delete(key, options)) ? 1 : 0}\n`);
    return exitCodes.done;
  }
  const entry = await client.take(key, options);
  if (entry === undefined) {
    throw missing();
  }
  await printEntry(entry, { json: flags.json, isGone: true });
  return exitCodes.done;
}

async function deleteMany(
  client: DynakvClient,
  keys: Iterable<string> | AsyncIterable<string>,
  timeoutMs: number | undefined,
): Promise<ExitCode> {
  let existed = 0;
  let failure: { readonly cause: unknown } | undefined;
  const source = (async function* () {
    for await (const key of keys) {
      if (failure !== undefined) {
        return;
      }
      yield key;
    }
  })();
  try {
    for await (const result of client.mdelete(source, { timeoutMs })) {
      // The answer of one that has failed throws, and with it those that are in flight would go uncounted.
      if (result.error === undefined) {
        existed += result.answer.existed ? 1 : 0;
      } else {
        failure ??= { cause: result.error };
      }
    }
  } catch (cause) {
    failure ??= { cause };
  }
  return finish(existed, failure);
}

async function deleteAll(client: DynakvClient, prefix: string, timeoutMs: number | undefined): Promise<ExitCode> {
  let existed = 0;
  const onProgress = ({ deleted }: { readonly deleted: number }) => {
    existed = deleted;
  };
  try {
    await client.deletePrefix(prefix, { onProgress, timeoutMs });
  } catch (cause) {
    return finish(existed, { cause });
  }
  return finish(existed, undefined);
}

/** Also when one of several has failed: what is gone is gone. */
async function finish(existed: number, failure: { readonly cause: unknown } | undefined): Promise<ExitCode> {
  await print(`${existed}\n`);
  if (failure !== undefined) {
    throw failure.cause;
  }
  return exitCodes.done;
}

/** As the server has it. */
const maxKeyBytes = 2048;

/** The server would refuse a bad key when it comes to it, and the others would be gone. */
function checkKeys(keys: readonly string[]): void {
  for (const [index, key] of keys.entries()) {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > maxKeyBytes) {
      throw new UsageError(`KEY ${index + 1} has ${bytes} bytes; a key has 1 to ${maxKeyBytes}`);
    }
  }
}
