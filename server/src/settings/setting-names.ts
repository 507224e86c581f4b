/** The flag of a setting: `ttlSeconds` is set by `--ttl-seconds`. */
export function flagName(setting: string): string {
  return `--${words(setting).join("-")}`;
}

/** The environment variable of a setting: `ttlSeconds` is set by `DYNAKV_TTL_SECONDS`. */
export function environmentName(setting: string): string {
  return `${environmentPrefix}${words(setting).join("_").toUpperCase()}`;
}

export const environmentPrefix = "DYNAKV_";

function words(setting: string): string[] {
  return setting.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}
