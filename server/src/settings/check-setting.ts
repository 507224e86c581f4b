import { UsageError } from "../../../common/command-line/usage-error.js";
import { type SettingDefinition, type Settings, settingDefinitions } from "./settings.js";
import { hidden, showValue, splitList } from "./text-checks.js";

const definitions = new Map(settingDefinitions.map((definition) => [definition.name, definition]));

/**
 * Checks one value of one setting by itself, wherever it comes from.
 *
 * @param label what the error calls it, such as `--ttl-seconds`
 * @throws UsageError
 */
export function checkSetting(name: keyof Settings, value: unknown, label: string): void {
  const definition = definitions.get(name);
  if (definition === undefined) {
    throw new UsageError(`${label}: unknown setting`);
  }
  checkType(definition, value, label);
  if (typeof value === "string") {
    checkText(definition, value, label);
  }
}

function checkText({ check, isList }: SettingDefinition, text: string, label: string): void {
  if (text === "" && !isList) {
    throw new UsageError(`${label}: is empty; leave it out instead`);
  }
  for (const item of isList ? splitList(text) : [text]) {
    check?.(item, label);
  }
}

function checkType({ type, range, isSecret }: SettingDefinition, value: unknown, label: string): void {
  const shown = isSecret ? hidden : showValue(value);
  if (typeof type !== "string") {
    if (typeof value !== "string" || !type.includes(value)) {
      throw new UsageError(`${label}: ${shown} must be one of ${type.join(", ")}`);
    }
    return;
  }
  if (type === "integer") {
    if (!Number.isSafeInteger(value)) {
      throw new UsageError(`${label}: ${shown} is not an integer`);
    }
    if (range !== undefined && (Number(value) < range[0] || Number(value) > range[1])) {
      throw new UsageError(`${label}: ${value} is out of range, which is ${range[0]} to ${range[1]}`);
    }
    return;
  }
  if (typeof value !== type) {
    const wanted = type === "boolean" ? "true or false" : "a string";
    throw new UsageError(`${label}: ${shown} is not ${wanted}`);
  }
}
