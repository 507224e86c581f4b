import { UsageError } from "../../../common/command-line/usage-error.js";
import { checkAccess } from "./check-access.js";
import { checkSetting, splitList } from "./check-setting.js";
import { type ConnectionUrl, parseConnectionUrl } from "./connection-url.js";
import { type Settings, settingDefinitions } from "./settings.js";

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
    settingDefinitions.map(({ name, default: fallback }) => [name, given[name] ?? fromUrl[name] ?? fallback]),
  ) as unknown as Settings;
  for (const name of credentialSettings) {
    const value = settings[name]?.trim();
    if (value !== undefined && (value === "" || /\p{Cc}/u.test(value))) {
      throw new UsageError(
        `${labelOf(name)}: ${value === "" ? "is nothing but white space" : "has a line end or another control character in it"}; give it as AWS shows it`,
      );
    }
    settings[name] = value;
  }
  settings.corsOrigins = splitList(settings.corsOrigins).join(",");
  settings.allowedHosts = splitList(settings.allowedHosts).join(",");
  settings.corsHeaders = splitList(settings.corsHeaders).join(",");
  if (settings.corsCredentials && splitList(settings.corsOrigins).includes("*")) {
    throw new UsageError(
      `${labelOf("corsCredentials")}: would let any page use the credentials of whoever looks at it; name the origins in ${labelOf("corsOrigins")} instead of *`,
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
    // Who lowers the longest deadline should not have to lower a default as well.
    settings.defaultDeadlineSeconds = settings.maxDeadlineSeconds;
  }
  // All that a URL warns of is where it leads; another endpoint leads elsewhere.
  return { settings, warnings: given.endpoint === undefined ? url.warnings : [] };
}

/** Secrets' stores and files often end with a line end, with which no signature would be right: it is taken off. */
const credentialSettings = ["accessKeyId", "secretAccessKey", "sessionToken"] as const;

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
  for (const holder of attributeSettings) {
    const attribute = settings[holder];
    const other = holders.get(attribute);
    if (other !== undefined) {
      throw new UsageError(
        `${labelOf(holder)}: names the same attribute as ${labelOf(other)}, ${JSON.stringify(attribute)}; each needs its own`,
      );
    }
    holders.set(attribute, holder);
  }
}

const attributeSettings = [
  "keyAttribute",
  "valueAttribute",
  "counterAttribute",
  "writeTimeAttribute",
  "expiryAttribute",
  "etagAttribute",
  "requestsAttribute",
  "membersAttribute",
  "exactExpiryAttribute",
] as const;
