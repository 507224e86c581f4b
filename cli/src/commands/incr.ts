import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { int64 } from "../../../common/int64.js";
import { defineCommand } from "../command.js";
import { expiryHelp, parseExpiry } from "../parse-expiry.js";

export const incr = defineCommand({
  usage: "incr KEY [DELTA]",
  description: `Adds DELTA, 1 unless given, to a counter of 64 bits, which is created if need
be, and prints it. It counts once, whatever becomes of answers.`,
  flags: {
    initial: { type: "string", placeholder: "N", help: "initial value of a new counter; default 0" },
    min: { type: "string", placeholder: "N", help: "lower bound; fail instead of passing it" },
    max: { type: "string", placeholder: "N", help: "upper bound; fail instead of passing it" },
    member: { type: "string", placeholder: "TEXT", help: "count once for this member, as long as the counter lives" },
    expire: { type: "string", placeholder: "WHEN", help: `${expiryHelp}; unset: as it is` },
  },
  examples: [
    "dynakv incr visits",
    "dynakv incr stock -3 --min 0",
    "dynakv incr visitors --member alice",
    "dynakv incr tries --max 5 --expire 10m",
  ],
  positionals: [1, 2],
  async run({ client, flags, positionals: [key = "", delta] }) {
    const counter = await client.incr(key, {
      delta: readInteger(delta, "DELTA"),
      initial: readInteger(flags.initial, "--initial"),
      min: readInteger(flags.min, "--min"),
      max: readInteger(flags.max, "--max"),
      member: flags.member,
      expiry: flags.expire === undefined ? undefined : parseExpiry(flags.expire, ["never"]),
    });
    await print(`${counter}\n`);
    return exitCodes.done;
  },
});

function readInteger(text: string | undefined, label: string): bigint | undefined {
  if (text === undefined) {
    return undefined;
  }
  const number = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
  if (number === undefined || number < int64.min || number > int64.max) {
    throw new UsageError(`${label}: ${JSON.stringify(text)} is no integer of 64 bits`);
  }
  return number;
}
