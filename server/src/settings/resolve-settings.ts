import { type Settings, settingDefinitions } from "./settings.js";

/** The settings in full, and what the operator should be warned about. */
export interface ResolvedSettings {
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

export function resolveSettings(given: Partial<Settings>): ResolvedSettings {
  const settings = Object.fromEntries(
    settingDefinitions.map((definition) => [definition.name, given[definition.name] ?? definition.default]),
  ) as unknown as Settings;
  return { settings, warnings: [] };
}

/** Splits `HOST:PORT`; the host may be an IPv6 address in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(at + 1)) };
}
