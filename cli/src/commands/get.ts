import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { defineCommand } from "../command.js";
import { toEntryJson } from "../entry-json.js";
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
    if (flags.json) {
      await print(`${JSON.stringify(toEntryJson(entry))}\n`);
      return exitCodes.done;
    }
    const value = entry.kind === "value" ? entry.value : Buffer.from(entry.counter.toString());
    if (flags.raw || !process.stdout.isTTY) {
      await print(value);
    } else if (isText(value)) {
      await print(value);
      await print(value.at(-1) === newline ? "" : "\n");
    } else {
      process.stderr.write(
        `dynakv: the value is ${value.length} bytes that are no text; --raw shows them, --json has them in base64, and > FILE keeps them\n`,
      );
    }
    return exitCodes.done;
  },
});

const newline = 0x0a;

/** Returns true if a terminal can show it: UTF-8 without the control characters by which a value could steer the terminal. */
function isText(value: Uint8Array): boolean {
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    return !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return false;
  }
}
