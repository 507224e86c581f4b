import type { ConditionOptions, Entry, Written } from "@dynakv/client";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { acknowledge, print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { toEntryJson } from "../entry-json.js";
import { etagFlag } from "../etag-flag.js";
import { readInput, stdinOr } from "../input.js";
import { expiryHelp, parseExpiry } from "../parse-expiry.js";
import { printEntry } from "../print-entry.js";

/** More than any server takes by default: what is endless must not fill the memory. */
const maxValueBytes = 64 * 1024 * 1024;

export const set = defineCommand({
  usage: "set KEY [VALUE]",
  description: `Stores a value in place of whatever the key holds. Without VALUE and --file it
is what stdin brings, byte for byte. Prints OK on a terminal.`,
  flags: {
    file: { type: "string", placeholder: "FILE", help: "store what the file holds; - is stdin" },
    expire: { type: "string", placeholder: "WHEN", help: `${expiryHelp}, or keep; unset: the server's default` },
    "if-absent": { type: "boolean", help: "only if there is no entry" },
    "if-present": { type: "boolean", help: "only if there is an entry" },
    "if-etag": etagFlag("only if the entry has this etag"),
    previous: { type: "boolean", help: "print what the key held before, as get does" },
    json: { type: "boolean", help: "print etag and times of what was stored, and the previous entry" },
  },
  examples: [
    "dynakv set greeting hello --expire 1h",
    "dynakv set picture --file picture.png",
    "date | dynakv set last-run",
    "dynakv set lock:report me --if-absent --expire 90s",
    "dynakv set leader me --previous",
  ],
  positionals: [1, 2],
  async run({ client, flags, positionals: [key = "", given] }) {
    const expiry = flags.expire === undefined ? undefined : parseExpiry(flags.expire, ["never", "keep"]);
    const condition = readCondition(flags);
    if (given !== undefined && flags.file !== undefined) {
      throw new UsageError("give a value, or --file, not both");
    }
    const value =
      given === undefined
        ? await readValue(flags.file ?? stdinOr("VALUE"), flags.file === undefined ? "stdin" : "--file")
        : Buffer.from(given);
    const options = { expiry, ...condition };
    const written: Written & { readonly previous?: Entry | undefined } = flags.previous
      ? await client.swap(key, value, options)
      : await client.set(key, value, options);
    if (flags.json) {
      await print(`${JSON.stringify(toWrittenJson(written))}\n`);
    } else if (written.previous !== undefined) {
      await printEntry(written.previous, { json: false, isGone: true });
    } else if (!flags.previous) {
      await acknowledge();
    }
    return exitCodes.done;
  },
});

function toWrittenJson({ etag, writeTime, expireTime, previous }: Written & { readonly previous?: Entry | undefined }) {
  return {
    etag,
    writeTime,
    ...(expireTime && { expireTime }),
    ...(previous && { previous: toEntryJson(previous) }),
  };
}

interface ConditionFlags {
  readonly "if-absent": boolean;
  readonly "if-present": boolean;
  readonly "if-etag": string | undefined;
}

function readCondition(flags: ConditionFlags): ConditionOptions {
  const { "if-absent": ifAbsent, "if-present": ifPresent, "if-etag": ifEtag } = flags;
  if ([ifAbsent, ifPresent, ifEtag !== undefined].filter(Boolean).length > 1) {
    throw new UsageError("give one of --if-absent, --if-present and --if-etag");
  }
  return ifAbsent ? { ifAbsent } : ifPresent ? { ifPresent } : ifEtag === undefined ? {} : { ifEtag };
}

async function readValue(file: string, label: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readInput(file, label)) {
    bytes += chunk.length;
    if (bytes > maxValueBytes) {
      throw new UsageError(`${label}: the value has more than ${maxValueBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
