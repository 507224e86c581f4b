import { parseJwks } from "../../../server/src/access/jwks.js";
import { parsePolicy } from "../../../server/src/access/policy.js";
import { parseTokens } from "../../../server/src/access/tokens.js";
import { completeSettings } from "../../../server/src/settings/complete-settings.js";
import { loadSettings, UsageError } from "../../../server/src/settings/load-settings.js";
import type { Settings } from "../../../server/src/settings/settings.js";
import type { Random } from "../../../server/test/support/random.js";
import { drawAccessFile } from "./draw-access-file.js";
import { drawLoadOptions } from "./draw-load-options.js";
import { drawSettings } from "./draw-settings.js";

/** One configuration, and how it is read. */
export interface Configuration {
  /** Reads it. Returns what the operator is warned of. */
  read(): readonly string[];
  /** What no message may hold. */
  readonly secrets: readonly string[];
  /** For a report. */
  readonly input: unknown;
}

/** A kind of configuration: settings, or a file of its own. */
export interface ConfigurationKind {
  readonly name: string;
  /** What it is refused with. */
  readonly refusal: new (
    message: string,
  ) => Error;
  draw(random: Random): Configuration;
}

/** A file of who may call. Its label is what an operator has named it. */
function fileKind(
  name: "tokens" | "policy" | "jwks",
  parse: (text: string, label: string) => unknown,
): ConfigurationKind {
  return {
    name: `a file of ${name}`,
    refusal: UsageError,
    draw(random) {
      const text = drawAccessFile(random, name);
      return {
        // A hash tells nothing of the token, and has no place in a log all the same.
        secrets: text.match(/[0-9a-f]{64}/g) ?? [],
        input: text,
        read() {
          parse(text, `${name}.json`);
          return [];
        },
      };
    },
  };
}

export const configurationKinds: readonly ConfigurationKind[] = [
  fileKind("tokens", parseTokens),
  fileKind("policy", parsePolicy),
  fileKind("jwks", parseJwks),
  {
    name: "flags, environment and files",
    refusal: UsageError,
    draw(random) {
      const { options, secrets } = drawLoadOptions(random);
      return {
        secrets,
        input: options,
        read() {
          const loaded = loadSettings(options);
          return loaded.kind === "settings" ? loaded.warnings : [];
        },
      };
    },
  },
  {
    name: "options of a program",
    refusal: UsageError,
    draw(random) {
      const { given, secrets } = drawSettings(random);
      return { secrets, input: given, read: () => completeSettings(given as Partial<Settings>).warnings };
    },
  },
];
