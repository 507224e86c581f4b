import { UsageError } from "../../../common/command-line/usage-error.js";
import { checkAccess } from "./check-access.js";
import { checkSetting } from "./check-setting.js";
import { type ConnectionUrl, parseConnectionUrl } from "./connection-url.js";
import { type SettingDefinition, type Settings, settingDefinitions } from "./settings.js";
import { checkAttributeName, splitList } from "./text-checks.js";

/** The settings in full, and what the operator should be warned about. */
export interface CompleteSettings {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

/**
 * Completes settings: what is given wins over what the connection URL in `backend` says, and that over the default. Every
 * value is checked, and then those that must fit together. Completing complete settings changes nothing.
 *
 * @param labelOf what errors call a given setting, such as the flag that it came from; the default is its name
 * @throws UsageError
 */
export function completeSettings(
  given: Partial<Settings>,
  labelOf: (name: keyof Settings) => string = (name) => name,
): CompleteSettings {
  for (const { name } of settingDefinitions) {
    if (given[name] !== undefined) {
      checkSetting(name, given[name], labelOf(name));
    }
  }
  const url = readConnectionUrl(given.backend, labelOf);
  const fromUrl: Partial<Settings> = url.settings;
  const settings = Object.fromEntries(
    settingDefinitions.map((definition) => {
      const { name, default: fallback } = definition;
      return [name, normalize(definition, given[name] ?? fromUrl[name] ?? fallback, labelOf(name))];
    }),
  ) as unknown as Settings;
  if (settings.corsCredentials && splitList(settings.corsOrigins).includes("*")) {
    throw new UsageError(
      `${labelOf("corsCredentials")}: would let any website act with its visitors' credentials; list the origins in ${labelOf("corsOrigins")} instead of *`,
    );
  }

  checkCredentials(settings, labelOf);
  checkAttributeNames(settings, labelOf);
  checkAccess(settings, labelOf);
  if (settings.defaultDeadlineSeconds > settings.maxDeadlineSeconds) {
    if (given.defaultDeadlineSeconds !== undefined) {
      throw new UsageError(
        `${labelOf("defaultDeadlineSeconds")}: ${settings.defaultDeadlineSeconds} is more than the ${settings.maxDeadlineSeconds} of ${labelOf("maxDeadlineSeconds")}`,
      );
    }
    // Lowering the longest deadline lowers the default with it.
    settings.defaultDeadlineSeconds = settings.maxDeadlineSeconds;
  }
  // All that a URL warns of is where it leads; another endpoint leads elsewhere.
  return { settings, warnings: given.endpoint === undefined ? url.warnings : [] };
}

function normalize<Value>({ isList, isTrimmed }: SettingDefinition, value: Value, label: string): Value | string {
  if (typeof value !== "string") {
    return value;
  }
  if (isList) {
    return splitList(value).join(",");
  }
  if (!isTrimmed) {
    return value;
  }
  const trimmed = value.trim();
  if (trimmed === "" || /\p{Cc}/u.test(trimmed)) {
    throw new UsageError(
      `${label}: ${trimmed === "" ? "is only white space" : "contains a newline or another control character"}; give it as AWS shows it`,
    );
  }
  return trimmed;
}

function readConnectionUrl(url: string | undefined, labelOf: (name: keyof Settings) => string): ConnectionUrl {
  if (url === undefined) {
    return { settings: {}, warnings: [] };
  }
  try {
    return parseConnectionUrl(url);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${labelOf("backend")}: ${error.message}`) : error;
  }
}

function checkCredentials(settings: Settings, labelOf: (name: keyof Settings) => string): void {
  const { accessKeyId, secretAccessKey, sessionToken } = settings;
  if (accessKeyId !== undefined && secretAccessKey === undefined) {
    throw new UsageError(`${labelOf("accessKeyId")}: is without its secret; set secretAccessKey too, or neither`);
  }
  if (secretAccessKey !== undefined && accessKeyId === undefined) {
    throw new UsageError(`${labelOf("secretAccessKey")}: is without its access key; set accessKeyId too, or neither`);
  }
  if (sessionToken !== undefined && accessKeyId === undefined) {
    throw new UsageError(
      `${labelOf("sessionToken")}: is without its access key; set accessKeyId and secretAccessKey too, or none of them`,
    );
  }
}

function checkAttributeNames(settings: Settings, labelOf: (name: keyof Settings) => string): void {
  const holders = new Map<string, keyof Settings>();
  for (const { name, check } of settingDefinitions) {
    if (check !== checkAttributeName) {
      continue;
    }
    const attribute = String(settings[name]);
    const other = holders.get(attribute);
    if (other !== undefined) {
      throw new UsageError(
        `${labelOf(name)}: names the same attribute as ${labelOf(other)}, ${JSON.stringify(attribute)}; each needs its own`,
      );
    }
    holders.set(attribute, name);
  }
}
