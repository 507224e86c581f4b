import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { defineCommand } from "../command.js";
import { printEntry } from "../print-entry.js";
import { missing, readOptions, strongFlag } from "../read-flags.js";

export const get = defineCommand({
  usage: "get KEY",
  description: `Prints what a key holds: a value as it is, byte for byte, or a counter. On a
terminal a newline follows, and a value that is no text is told, not shown.`,
  flags: {
    json: { type: "boolean", help: "print the entry whole: value (base64) or counter, times and etag" },
    raw: { type: "boolean", help: "print the value on a terminal too as it is" },
    ...strongFlag,
  },
  examples: ["dynakv get greeting", "dynakv get picture > picture.png", "dynakv get greeting --json"],
  positionals: [1, 1],
  async run({ client, flags, positionals: [key = ""] }) {
    const entry = await client.get(key, readOptions(flags));
    if (entry === undefined) {
      throw missing();
    }
    await printEntry(entry, flags);
    return exitCodes.done;
  },
});
