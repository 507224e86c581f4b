import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { acknowledge } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { etagFlag } from "../etag-flag.js";
import { expiryHelp, parseExpiry } from "../parse-expiry.js";
import { missing } from "../read-flags.js";

export const touch = defineCommand({
  usage: "touch KEY --expire WHEN",
  description: "Changes when an entry expires, and nothing else. Prints OK on a terminal.",
  flags: {
    expire: { type: "string", placeholder: "WHEN", help: `${expiryHelp}, or server-default` },
    "if-etag": etagFlag("only if the entry has this etag"),
  },
  examples: ["dynakv touch session:1 --expire 30m", "dynakv touch greeting --expire never"],
  positionals: [1, 1],
  async run({ client, flags, positionals: [key = ""] }) {
    if (flags.expire === undefined) {
      throw new UsageError("--expire is required: when the entry expires");
    }
    const expiry = parseExpiry(flags.expire, ["never", "server-default"]);
    if (!(await client.touch(key, expiry, { ifEtag: flags["if-etag"] }))) {
      throw missing();
    }
    await acknowledge();
    return exitCodes.done;
  },
});
