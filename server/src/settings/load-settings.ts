import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { clientVariables } from "../../../common/command-line/client-variables.js";
import { suggestName } from "../../../common/command-line/suggest-name.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { decodeUtf8 } from "../../../common/decode-utf8.js";
import { checkSetting } from "./check-setting.js";
import { type CompleteSettings, completeSettings } from "./complete-settings.js";
import { parseJson } from "./parse-json.js";
import { environmentName, environmentPrefix, flagName } from "./setting-names.js";
import { type SettingDefinition, type Settings, settingDefinitions } from "./settings.js";
import { hidden, showValue } from "./text-checks.js";

export { UsageError } from "../../../common/command-line/usage-error.js";

export interface LoadSettingsOptions {
  /** The arguments after the command: flags. */
  readonly argv: readonly string[];
  /** The environment. An empty variable counts as unset: that is how shells and compose files leave one out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the config file. The default reads it from disk. */
  readonly readFile?: (path: string) => string | Buffer;
}

/** Result of parsing a command line: settings, help or version. */
export type LoadedSettings =
  | ({ readonly kind: "settings" } & CompleteSettings)
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** Settings from one source, each with what errors call it. */
type Source = Map<keyof Settings, { readonly value: string | number | boolean; readonly label: string }>;

/**
 * Loads the settings. Each is taken from the first of these that has it: its flag, its environment variable, the config
 * file, the connection URL, its default.
 *
 * @throws UsageError
 */
export function loadSettings(options: LoadSettingsOptions): LoadedSettings {
  const { argv, env, readFile = readFileSync } = options;
  const flags = readFlags(argv);
  if (flags.kind !== "flags") {
    return flags;
  }
  const environment = readEnvironment(env);
  const configPath = flags.config ?? (env[environmentName("config")] || undefined);
  const config: Source = configPath === undefined ? new Map() : readConfig(configPath, readFile);

  const merged: Source = new Map([...config, ...environment, ...flags.source]);
  const given = Object.fromEntries([...merged].map(([name, { value }]) => [name, value])) as Partial<Settings>;
  const { settings, warnings } = completeSettings(given, (name) => merged.get(name)?.label ?? name);
  return { kind: "settings", settings, warnings: [...warnings, ...warnOfSecrets(flags.source)] };
}

/** Flags can be seen by every user of the machine, and stand in Node's diagnostic reports. */
function warnOfSecrets(flags: Source): string[] {
  return settingDefinitions.flatMap(({ name, isSecret }) => {
    const { value, label } = flags.get(name) ?? {};
    // A backend is a secret only with credentials in it.
    return isSecret &&
      value !== undefined &&
      (name !== "backend" || /:.*@/.test(String(value).slice("dynamodb:".length)))
      ? [
          `${label}: everybody on this machine can see it there; give it by ${environmentName(name)} or in the config file`,
        ]
      : [];
  });
}

type Flags =
  | { readonly kind: "flags"; readonly source: Source; readonly config: string | undefined }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

function readFlags(argv: readonly string[]): Flags {
  const settings = new Map(settingDefinitions.map((definition) => [flagName(definition.name).slice(2), definition]));
  const takesValue = (name: string) => name === "config" || (settings.get(name)?.type ?? "boolean") !== "boolean";
  // Not strict: it would take -1 for a flag, and its errors repeat what was typed, which may be a secret.
  const { tokens } = parseArgs({
    args: argv.map((argument, index) => withValue(argument, argv[index + 1], settings)),
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      ["config", ...settings.keys()].map((name) => [name, { type: takesValue(name) ? "string" : "boolean" }]),
    ),
  });
  const asked = tokens.flatMap((token) => (token.kind === "option" ? [token.rawName] : []));
  if (asked.some((name) => name === "--help" || name === "-h")) {
    return { kind: "help" };
  }
  if (asked.some((name) => name === "--version" || name === "-v")) {
    return { kind: "version" };
  }

  const source: Source = new Map();
  const seen = new Set<string>();
  let config: string | undefined;
  for (const token of tokens) {
    if (token.kind !== "option") {
      // It is not shown: it may be a URL with a secret, or the rest of one.
      throw new UsageError(
        `unexpected argument, number ${token.index + 1} after the command: settings are written as --flag VALUE, the backend's URL as --backend URL`,
      );
    }
    const { rawName, value } = token;
    const negated = token.name.startsWith("no-") ? settings.get(token.name.slice(3)) : undefined;
    const definition = negated?.type === "boolean" ? negated : settings.get(token.name);
    const isConfig = token.name === "config";
    if (!rawName.startsWith("--") || (definition === undefined && !isConfig)) {
      const known = ["--config", "--help", "--version", ...settingDefinitions.flatMap(flagsOf)];
      // Only what looks like a flag is shown.
      const shown = /^-{1,2}[\w-]{1,40}$/.test(rawName) ? ` ${rawName}` : "";
      throw new UsageError(`unknown flag${shown}${suggestName(rawName, known)}`);
    }
    const key = definition?.name ?? token.name;
    if (seen.has(key)) {
      throw new UsageError(`${rawName}: is given more than once`);
    }
    seen.add(key);
    if (takesValue(token.name)) {
      if (value === undefined || (!token.inlineValue && /^-(?!\d)./.test(value))) {
        throw new UsageError(`${rawName}: needs a value (one that begins with "-" is written as ${rawName}=VALUE)`);
      }
    } else if (definition === negated && value !== undefined) {
      throw new UsageError(`${rawName}: takes no value`);
    }
    if (definition === undefined) {
      config = value;
    } else {
      const parsed =
        definition === negated ? false : value === undefined ? true : parseText(definition, value, rawName);
      source.set(definition.name, { value: parsed, label: rawName });
    }
  }
  if (config === "") {
    throw new UsageError("--config: is empty; give the path of a file");
  }
  return { kind: "flags", source, config };
}

/** A flag that stands alone, with the value that it means then. */
function withValue(
  argument: string,
  next: string | undefined,
  settings: ReadonlyMap<string, SettingDefinition>,
): string {
  const value = settings.get(argument.replace(/^--/, ""))?.bareFlag;
  const isAlone = argument.startsWith("--") && (next === undefined || next.startsWith("-"));
  return isAlone && value !== undefined ? `${argument}=${value}` : argument;
}

function flagsOf({ name, type }: SettingDefinition): string[] {
  const flag = flagName(name);
  return type === "boolean" ? [flag, flag.replace("--", "--no-")] : [flag];
}

function readEnvironment(env: LoadSettingsOptions["env"]): Source {
  const settings = new Map(settingDefinitions.map((definition) => [environmentName(definition.name), definition]));
  const source: Source = new Map();
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(environmentPrefix) || value === undefined || value === "") {
      continue;
    }
    const definition = settings.get(name);
    if (definition !== undefined) {
      source.set(definition.name, { value: parseText(definition, value, name), label: name });
    } else if (name !== environmentName("config") && !isForeignVariable(name, value)) {
      const known = [environmentName("config"), ...settings.keys()];
      throw new UsageError(`unknown environment variable ${name}${suggestName(name, known)}`);
    }
  }
  return source;
}

/**
 * Returns true if a variable with our prefix is not meant for us: the test suite's own, those of the commands that call a server, or one
 * of those by which Kubernetes tells
 * every pod of a service that happens to be called dynakv
 * (https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables).
 */
function isForeignVariable(name: string, value: string): boolean {
  return (
    name.startsWith(`${environmentPrefix}TEST_`) ||
    Object.values<string>(clientVariables).includes(name) ||
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value))
  );
}

function readConfig(path: string, readFile: (path: string) => string | Buffer): Source {
  const config = parseConfig(path, readFile);
  const names = new Map<string, keyof Settings>(settingDefinitions.map(({ name }) => [name, name]));
  const source: Source = new Map();
  for (const [key, value] of Object.entries(config)) {
    const name = names.get(key);
    if (name === undefined) {
      throw new UsageError(
        `config file ${path}: unknown setting ${JSON.stringify(key)}${suggestName(key, [...names.keys()])}`,
      );
    }
    const label = `${name} in config file ${path}`;
    checkSetting(name, value, label);
    source.set(name, { value: value as string | number | boolean, label });
  }
  return source;
}

function parseConfig(path: string, readFile: (path: string) => string | Buffer): object {
  let text: string | undefined;
  try {
    const found = readFile(path);
    text = typeof found === "string" ? found : decodeUtf8(found);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new UsageError(`config file ${path}: cannot be read${code}`);
  }
  if (text === undefined) {
    throw new UsageError(`config file ${path}: is not UTF-8`);
  }
  const config = parseJson(text, `config file ${path}`);
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new UsageError(`config file ${path}: must be a JSON object of settings, such as {"table": "celery"}`);
  }
  return config;
}

/** Reads the text of a flag or of an environment variable as the type of its setting. */
function parseText({ type, isSecret }: SettingDefinition, text: string, label: string): string | number | boolean {
  const shown = isSecret ? hidden : showValue(text);
  if (type === "integer") {
    if (!/^-?\d+$/.test(text)) {
      throw new UsageError(`${label}: ${shown} is not an integer`);
    }
    return Number(text);
  }
  if (type === "boolean") {
    if (text !== "true" && text !== "false") {
      throw new UsageError(`${label}: ${shown} is not true or false`);
    }
    return text === "true";
  }
  return text;
}
