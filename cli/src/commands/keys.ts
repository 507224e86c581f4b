import type { ScanResult } from "@dynakv/client";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { count } from "../count.js";
import { toErrorJson } from "../entry-json.js";
import { readOptions, strongFlag } from "../read-flags.js";
import { CommandError } from "../report-failure.js";
import { showText } from "../show-text.js";

export const keys = defineCommand({
  usage: "keys [PREFIX]",
  description: `Prints the keys that hold something, or those of them that begin with PREFIX,
one a line and in no particular order. What is written to the table meanwhile
may or may not be among them. Whatever the prefix, it reads the whole table, and
costs the read capacity for that, unless --limit ends it before.

A key that holds a newline would look like two. It is left out, and the command
ends with 1, but with --null and --json; on a terminal it is shown in quotes.`,
  flags: {
    limit: { type: "string", placeholder: "N", help: "stop after so many keys" },
    null: { type: "boolean", help: "terminate keys with NUL instead of newline, for mget --null" },
    json: { type: "boolean", help: "print a line of JSON for each key" },
    ...strongFlag,
  },
  examples: [
    "dynakv keys",
    "dynakv keys user: --limit 10",
    "dynakv keys --null session: | dynakv delete --null -",
    "dynakv keys --null | dynakv mget --null",
  ],
  positionals: [0, 1],
  async run({ client, flags, positionals: [prefix = ""], timeoutMs }) {
    if (flags.null && flags.json) {
      throw new UsageError("give --null, or --json, not both");
    }
    const limit = readLimit(flags.limit);
    const format = flags.json ? toJson : flags.null ? toNullEnded : process.stdout.isTTY ? toShown : toLine;
    const cost = createCost();
    let printed = 0;
    let leftOut = 0;
    for await (const { results } of client
      .scan({ ...readOptions(flags), ...cost.options, prefix, timeoutMs })
      .pages()) {
      let lines = "";
      for (const result of results) {
        if (printed >= limit) {
          break;
        }
        if (result.error?.retryable === true) {
          // One that is away for now is not passed over.
          throw result.error;
        }
        const line = format(result);
        lines += line ?? "";
        printed += line === undefined ? 0 : 1;
        leftOut += line === undefined ? 1 : 0;
      }
      await print(lines);
      if (printed >= limit) {
        break;
      }
    }
    if (process.stderr.isTTY) {
      process.stderr.write(`dynakv: ${count(printed, "key")}${cost.told()}\n`);
    }
    if (leftOut > 0) {
      throw new CommandError(
        `${count(leftOut, "key")} with a newline ${leftOut === 1 ? "is" : "are"} left out; --null or --json prints all`,
        exitCodes.no,
      );
    }
    return exitCodes.done;
  },
});

// A key whose item cannot be read is a key all the same.
const toLine = ({ key }: ScanResult) => (key.includes("\n") ? undefined : `${key}\n`);
const toShown = ({ key }: ScanResult) => `${showText(key)}\n`;
const toNullEnded = ({ key }: ScanResult) => `${key}\0`;
const toJson = ({ key, error }: ScanResult) =>
  `${JSON.stringify(error === undefined ? { key } : toErrorJson(key, error))}\n`;

function readLimit(text: string | undefined): number {
  if (text === undefined) {
    return Number.POSITIVE_INFINITY;
  }
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new UsageError(`--limit: ${JSON.stringify(text)} is no number of keys from 1`);
  }
  return Number(text);
}

/** Read capacity consumed by a scan, which is known only at its end. */
function createCost() {
  let units = 0;
  let isTold = false;
  return {
    options: {
      headers: { "x-dynakv-return-consumed-capacity": "total" },
      onTrailer(trailers: Headers) {
        const told = trailers.get("x-dynakv-consumed-read-units");
        units += Number(told ?? 0);
        isTold ||= told !== null;
      },
    },
    told: () => (isTold ? `; the scan took ${count(units, "read unit")}` : ""),
  };
}
