import { type SettingDefinition, settingDefinitions } from "../../../server/src/settings/settings.js";
import type { Random } from "../../../server/test/support/random.js";
import { drawConnectionUrl } from "./draw-connection-url.js";
import { coreOf, drawSecret, drawText } from "./odd-texts.js";

/** Settings by name, each of any type, and the secrets that are among them. */
export interface DrawnSettings {
  readonly given: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
}

/** A value for a setting, mostly of its type. */
export function drawValue(
  random: Random,
  { name, type, range, isSecret: secret }: SettingDefinition,
  secrets: string[],
): unknown {
  if (name === "backend") {
    const drawn = drawConnectionUrl(random);
    secrets.push(...drawn.secrets);
    return drawn.url;
  }
  if (secret) {
    const value = drawSecret(random);
    secrets.push(coreOf(value));
    return value;
  }
  if (random.chance(0.4)) {
    return drawText(random);
  }
  if (type === "integer") {
    const [low, high] = range ?? [0, 100];
    return random.pick([low, high, low - 1, high + 1, low + random.below(high - low + 1), 0.5, Number.NaN]);
  }
  if (type === "boolean") {
    return random.chance(0.5);
  }
  return typeof type === "string" ? drawText(random) : random.pick(type);
}

/** Options as a program without types could give them. */
export function drawSettings(random: Random): DrawnSettings {
  const secrets: string[] = [];
  const given: Record<string, unknown> = {};
  for (let count = random.below(8); count > 0; count--) {
    const definition = random.pick(settingDefinitions);
    const odd = [null, undefined, [], {}, ["a"], 1n, () => {}, Symbol.iterator] as const;
    given[definition.name] = random.chance(0.1) ? random.pick(odd) : drawValue(random, definition, secrets);
  }
  return { given, secrets };
}
