import type { LoadSettingsOptions } from "../../../server/src/settings/load-settings.js";
import { environmentName, flagName } from "../../../server/src/settings/setting-names.js";
import { settingDefinitions } from "../../../server/src/settings/settings.js";
import type { Random } from "../../../server/test/support/random.js";
import { mutateJson } from "../messages/mutate-json.js";
import { mutateBytes } from "../wire/mutate-bytes.js";
import { drawValue } from "./draw-settings.js";
import { coreOf, drawSecret, drawText } from "./odd-texts.js";

export interface DrawnLoadOptions {
  readonly options: LoadSettingsOptions;
  readonly secrets: readonly string[];
}

/** A command line, an environment and a config file, as an operator might get them wrong. */
export function drawLoadOptions(random: Random): DrawnLoadOptions {
  const secrets: string[] = [];
  const file = random.chance(0.5) ? drawFile(random, secrets) : undefined;
  const argv = drawArguments(random, secrets);
  const env = drawEnvironment(random, secrets);
  if (file !== undefined) {
    const path = random.chance(0.8) ? "dynakv.json" : drawText(random);
    if (random.chance(0.5)) {
      argv.push("--config", path);
    } else {
      env.DYNAKV_CONFIG = path;
    }
  }
  const options: LoadSettingsOptions = {
    argv,
    env,
    readFile() {
      if (file === undefined || random.chance(0.03)) {
        throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      }
      return file;
    },
  };
  return { options, secrets };
}

function drawArguments(random: Random, secrets: string[]): string[] {
  const argv: string[] = [];
  for (let count = random.below(6); count > 0; count--) {
    const definition = random.pick(settingDefinitions);
    const flag = drawName(random, flagName(definition.name));
    const value = String(drawValue(random, definition, secrets));
    argv.push(
      ...random.pick([[flag, value], [flag, value], [`${flag}=${value}`], [flag], [flag.replace("--", "--no-")]]),
    );
  }
  if (random.chance(0.05)) {
    const secret = drawSecret(random);
    secrets.push(coreOf(secret));
    // Without its flag. One that begins with a dash looks like a flag, and cannot be told from one; behind the flag of a name,
    // it is taken for the name.
    argv.unshift(...random.pick([[], ["--workers"], ["--log-level"], ["--create-table"]]), secret.replace(/^-+/, ""));
  }
  return argv;
}

function drawEnvironment(random: Random, secrets: string[]): Record<string, string> {
  const env: Record<string, string> = { PATH: "/bin", HOME: "/root" };
  for (let count = random.below(5); count > 0; count--) {
    const definition = random.pick(settingDefinitions);
    const name = drawName(random, environmentName(definition.name));
    env[name] = String(drawValue(random, definition, secrets));
  }
  return env;
}

/** The name, nearly always as it is. */
function drawName(random: Random, name: string): string {
  return random.chance(0.9)
    ? name
    : `${name.slice(0, 2 + random.below(name.length - 1))}${random.pick(["", "X", "-x", " "])}`;
}

function drawFile(random: Random, secrets: string[]): string {
  const settings: Record<string, unknown> = {};
  for (let count = random.below(7); count > 0; count--) {
    const definition = random.pick(settingDefinitions);
    settings[drawName(random, definition.name)] = drawValue(random, definition, secrets);
  }
  switch (random.below(6)) {
    case 0:
      return JSON.stringify(mutateJson(random, settings));
    case 1:
      return mutateBytes(random, Buffer.from(JSON.stringify(settings, null, 2))).toString("utf8");
    case 2:
      return random.pick(["", "null", "[]", '"x"', "[".repeat(20_000), "\ufeff{}", "{", '{"__proto__":{"table":1}}']);
    default:
      return JSON.stringify(settings);
  }
}
