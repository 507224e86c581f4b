import type { ClientOptions } from "@dynakv/client";
import { exitCodes } from "../../common/command-line/exit-codes.js";
import { UsageError } from "../../common/command-line/usage-error.js";
import { defaultAddress } from "../../common/default-address.js";
import { clientCommands } from "./commands.js";
import { connectionFlags, readConnection } from "./connection-flags.js";
import { parseFlags } from "./flags.js";
import { renderCommandHelp } from "./help.js";

/** Runs a command that calls a server, and sets the code with which the process ends. */
export async function runCommand(name: string, argv: readonly string[]): Promise<void> {
  try {
    process.exitCode = await run(name, argv);
  } catch (error) {
    // Loaded now: most commands do not fail.
    const { reportFailure } = await import("./report-failure.js");
    process.exitCode = reportFailure(error);
  }
}

async function run(name: string, argv: readonly string[]): Promise<number> {
  const command = await clientCommands[name]?.();
  if (command === undefined) {
    throw new UsageError(`unknown command ${name}`);
  }
  const { flags, positionals, isHelp } = parseFlags({ ...command.flags, ...connectionFlags }, argv);
  if (isHelp) {
    process.stdout.write(renderCommandHelp(command));
    return exitCodes.done;
  }
  const [least, most] = command.positionals;
  if (positionals.length < least || positionals.length > most) {
    throw new UsageError(
      `${positionals.length < least ? "too few" : "too many"} arguments; usage: dynakv ${command.usage} (dynakv ${name} --help tells more)`,
    );
  }
  // Node has put it in the place of bytes that it could not read: something else would be stored, or removed.
  if (argv.some((each) => each.includes("\uFFFD"))) {
    throw new UsageError(
      "an argument is not UTF-8, or holds U+FFFD, which stands for such bytes; give a value by --file or stdin, and keys by --keys-from",
    );
  }
  const { timeoutMs, ...options } = readConnection(flags, process.env);
  const client = await connect(command.isPatient === true ? { ...patient, ...options } : { ...prompt, ...options });
  try {
    const address = new URL(options.address ?? defaultAddress).href;
    return await command.run({ client, flags, positionals, address, timeoutMs });
  } finally {
    client.close();
  }
}

/** Some two seconds for a server that does not answer. */
const prompt: ClientOptions = { retries: { maxAttempts: 8 } };
/** Some half a minute for one that is away, in the midst of much work. */
const patient: ClientOptions = { retries: { maxAttempts: 70 }, defaultTimeoutMs: 60_000 };

/** A TypeError of the client is a usage error here. */
async function connect(options: ClientOptions) {
  const { createClient } = await import("@dynakv/client");
  try {
    return createClient(options);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(
      message
        .replace("set allowInsecureToken", "give --allow-insecure-token")
        .replace("use the option token", "give a token by --token-file or DYNAKV_TOKEN"),
    );
  }
}
