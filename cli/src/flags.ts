import { parseArgs } from "node:util";
import { suggestName } from "../../common/command-line/suggest-name.js";
import { UsageError } from "../../common/command-line/usage-error.js";

/** A flag of a command. */
export interface FlagDefinition {
  readonly type: "string" | "boolean";
  /** Placeholder of the value in `--help`, such as `FILE`. */
  readonly placeholder?: string;
  /** One line for `--help`. */
  readonly help: string;
  /** Pattern of values that are accepted although they begin with a dash. The default is a number. */
  readonly dashed?: RegExp;
}

export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>;

export type FlagValues<F extends FlagDefinitions> = {
  readonly [Name in keyof F]: F[Name]["type"] extends "boolean" ? boolean : string | undefined;
};

export interface Arguments<F extends FlagDefinitions> {
  readonly flags: FlagValues<F>;
  readonly positionals: readonly string[];
  readonly isHelp: boolean;
}

/**
 * Reads the arguments of a command. A negative number is one like any other; what else begins with a dash and is no flag stands
 * after `--`.
 *
 * @throws UsageError
 */
export function parseFlags<F extends FlagDefinitions>(definitions: F, argv: readonly string[]): Arguments<F> {
  const names = Object.keys(definitions);
  // Not strict: its errors repeat what was typed, and -5 would be a flag.
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(names.map((name) => [name, { type: definitions[name]?.type ?? "boolean" }])),
  });
  const flags: Record<string, string | boolean | undefined> = {};
  for (const name of names) {
    flags[name] = definitions[name]?.type === "boolean" ? false : undefined;
  }
  const positionals: string[] = [];
  const seen = new Set<string>();
  let numberAt: number | undefined;
  let isHelp = false;
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const typed = argv[token.index] ?? "";
      if (/^-\d+$/.test(typed)) {
        // One token for each digit.
        if (numberAt !== token.index) {
          positionals.push(typed);
          numberAt = token.index;
        }
        continue;
      }
      const { name, rawName, value } = token;
      if (rawName === "-h" || rawName === "--help") {
        isHelp = true;
        continue;
      }
      const definition = rawName.startsWith("--") && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
      if (definition === undefined) {
        const known = [...names.map((each) => `--${each}`), "--help"];
        throw new UsageError(
          `unknown flag ${rawName}${suggestName(rawName, known)} (what begins with a dash and is no flag stands after --)`,
        );
      }
      if (seen.has(name)) {
        throw new UsageError(`${rawName}: is given more than once`);
      }
      seen.add(name);
      if (definition.type === "boolean") {
        if (value !== undefined) {
          throw new UsageError(`${rawName}: takes no value`);
        }
        flags[name] = true;
      } else {
        if (value === undefined || (!token.inlineValue && !isValue(value, definition, definitions))) {
          throw new UsageError(`${rawName}: needs a value (one that begins with "-" is written as ${rawName}=VALUE)`);
        }
        flags[name] = value;
      }
    }
  }
  return { flags: flags as FlagValues<F>, positionals, isHelp };
}

/** Returns true if an argument after a flag is its value, and not the next flag. */
function isValue(argument: string, { dashed }: FlagDefinition, definitions: FlagDefinitions): boolean {
  return (
    !/^-(?!\d|$)/.test(argument) ||
    (dashed?.test(argument) === true && !Object.hasOwn(definitions, argument.replace("--", "")))
  );
}
