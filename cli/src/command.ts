import type { DynakvClient } from "@dynakv/client";
import type { ExitCode } from "../../common/command-line/exit-codes.js";
import type { FlagDefinitions, FlagValues } from "./flags.js";

/** A command that calls a server. */
export interface ClientCommand<F extends FlagDefinitions = FlagDefinitions> {
  /** Usage without flags, such as `get KEY`. */
  readonly usage: string;
  /** Lines for `--help`. */
  readonly description: string;
  readonly flags: F;
  readonly examples: readonly string[];
  /** The least and the most arguments beside flags. */
  readonly positionals: readonly [least: number, most: number];
  /** True if it waits for a server that is away: one that works for long does. A person at a prompt is told soon. */
  readonly isPatient?: boolean;
  run(call: CommandCall<F>): Promise<ExitCode>;
}

/** One call of a command. */
export interface CommandCall<F extends FlagDefinitions> {
  readonly client: DynakvClient;
  readonly flags: FlagValues<F>;
  readonly positionals: readonly string[];
  /** Server address; a resumed run must use the same. */
  readonly address: string;
  /** The deadline of the command, where it is to be other than the default. */
  readonly timeoutMs: number | undefined;
}

/** For the compiler: the types of the flags' values come from their definitions. */
export function defineCommand<const F extends FlagDefinitions>(command: ClientCommand<F>): ClientCommand<F> {
  return command;
}
