import { accessDefinitions } from "./definitions/access.js";
import { backendDefinitions } from "./definitions/backend.js";
import type { Definition } from "./definitions/definition.js";
import { itemDefinitions } from "./definitions/items.js";
import { limitDefinitions } from "./definitions/limits.js";
import { operationDefinitions } from "./definitions/operation.js";

/** In the order of `--help` and docs/settings.md. */
const definitions = {
  ...backendDefinitions,
  ...itemDefinitions,
  ...limitDefinitions,
  ...accessDefinitions,
  ...operationDefinitions,
} as const;

type Definitions = typeof definitions;
type ValueOf<Type> = Type extends readonly (infer Word)[]
  ? Word
  : Type extends "integer"
    ? number
    : Type extends "boolean"
      ? boolean
      : string;

/** Every setting, resolved: docs/settings.md describes each. One without a default may be undefined. */
export type Settings = {
  -readonly [Name in keyof Definitions]:
    | ValueOf<Definitions[Name]["type"]>
    | (Definitions[Name] extends { readonly default: unknown } ? never : undefined);
};

export interface SettingDefinition extends Definition {
  readonly name: keyof Settings;
  readonly placeholder: string;
}

export const settingDefinitions: readonly SettingDefinition[] = Object.entries<Definition>(definitions).map(
  ([name, definition]) => ({
    ...definition,
    name: name as keyof Settings,
    placeholder: definition.placeholder ?? placeholderOf(definition),
  }),
);

function placeholderOf({ type }: Definition): string {
  return type === "integer"
    ? "N"
    : type === "boolean"
      ? "true|false"
      : typeof type === "string"
        ? "TEXT"
        : type.join("|");
}
