/** `dynakv token new NAME`: makes a bearer token. */
import { parseArgs } from "node:util";
import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { parseDayOrTime } from "../../../common/command-line/parse-time.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { createToken } from "./tokens.js";

const tokenUsage = "usage: dynakv token new NAME [--expires DATE|DAYSd], such as --expires 2027-01-01 or 90d";

const dayMs = 86_400_000;
const maxDays = 36_500;

/** Prints a new token and, on the next line, its entry for the tokens file. The token is kept nowhere. */
export function token(argv: readonly string[]): void {
  if (argv.includes("--help")) {
    process.stdout.write(`${tokenUsage}\n`);
    return;
  }
  try {
    const { name, expires } = readArguments(argv);
    const made = createToken(name, expires);
    process.stdout.write(`${made.token}\n${JSON.stringify(made.entry)}\n`);
    process.stderr.write(
      "The first line is the token, for its caller; it is shown only now. The second goes into the list of the tokens file.\n",
    );
  } catch (error) {
    if (!(error instanceof UsageError)) {
      throw error;
    }
    process.stderr.write(`dynakv: ${error.message}; ${tokenUsage}\n`);
    process.exitCode = exitCodes.usage;
  }
}

function readArguments(argv: readonly string[]): { readonly name: string; readonly expires: Date | undefined } {
  // Not strict: its errors repeat what was typed.
  const { positionals, values } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    options: { expires: { type: "string" } },
  });
  const [verb, name, ...rest] = positionals;
  const unknown = Object.keys(values).some((flag) => flag !== "expires");
  if (verb !== "new" || name === undefined || rest.length > 0 || unknown) {
    throw new UsageError("token: not as it is used");
  }
  return { name, expires: values.expires === undefined ? undefined : readExpiry(values.expires) };
}

function readExpiry(given: unknown): Date {
  const text = String(given);
  const days = Number(/^(\d+)d$/.exec(text)?.[1] ?? Number.NaN);
  const at = days <= maxDays ? new Date(Date.now() + days * dayMs) : parseDayOrTime(text);
  if (at === undefined || at.getTime() <= Date.now()) {
    throw new UsageError(
      "--expires: must be a day that exists, a time with Z or an offset, or a number of days, and lie ahead",
    );
  }
  return at;
}
