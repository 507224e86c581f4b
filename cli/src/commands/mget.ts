import type { MGetResult } from "@dynakv/client";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { count } from "../count.js";
import { toEntryJson, toErrorJson } from "../entry-json.js";
import { stdinOr } from "../input.js";
import { readOptions, strongFlag } from "../read-flags.js";
import { CommandError } from "../report-failure.js";
import { readKeys } from "../transfer/read-keys.js";

export const mget = defineCommand({
  usage: "mget [KEY...]",
  description: `Prints a line of JSON for each key, in their order: what it holds, or "missing".
Without KEY and --keys-from, the keys are what stdin brings, one a line; any
number of them.`,
  flags: {
    "keys-from": { type: "string", placeholder: "FILE", help: "a file with the keys, one a line; - is stdin" },
    null: { type: "boolean", help: "input keys are NUL-terminated instead of newline-terminated" },
    ...strongFlag,
  },
  examples: ["dynakv mget greeting visits", "dynakv mget < keys.txt | jq -r .key"],
  positionals: [0, Number.POSITIVE_INFINITY],
  async run({ client, flags, positionals, timeoutMs }) {
    const file = flags["keys-from"];
    if (positionals.length > 0 && file !== undefined) {
      throw new UsageError("give keys, or --keys-from, not both");
    }
    const label = file === undefined ? "stdin" : "--keys-from";
    const keys = positionals.length > 0 ? positionals : readKeys(file ?? stdinOr("KEY"), label, { isNull: flags.null });
    let failed = 0;
    let lines = "";
    for await (const result of client.mget(keys, { ...readOptions(flags), order: "request", timeoutMs })) {
      lines += `${JSON.stringify(toResultJson(result))}\n`;
      failed += result.error === undefined ? 0 : 1;
      if (lines.length > flushLength) {
        await print(lines);
        lines = "";
      }
    }
    await print(lines);
    if (failed > 0) {
      throw new CommandError(`${count(failed, "key")} could not be read; see the lines with "error"`, exitCodes.failed);
    }
    return exitCodes.done;
  },
});

/** So much is gathered before it is printed: a write for each line would cost more than the line. */
const flushLength = 64 * 1024;

function toResultJson(result: MGetResult) {
  const { key, error } = result;
  if (error !== undefined) {
    return toErrorJson(key, error);
  }
  return result.entry === undefined ? { key, missing: true } : toEntryJson(result.entry);
}
