import { checkAttributeName, checkPath } from "../text-checks.js";

/** All there is to one setting. Its flag and its environment variable follow from its name: ../setting-names.ts. */
export interface Definition {
  /** A list names the words that it takes. */
  readonly type: "string" | "integer" | "boolean" | readonly string[];
  /** Left out: the setting may be unset. */
  readonly default?: string | number | boolean;
  /** The lowest and the highest integer. */
  readonly range?: readonly [number, number];
  /** Throws a UsageError for text that is not right; of a list for each item. */
  readonly check?: (text: string, label: string) => void;
  /** Items separated by commas; only a list may be empty. */
  readonly isList?: boolean;
  /** White space around it is dropped: stores of secrets often end with a newline, with which no signature would be right. */
  readonly isTrimmed?: boolean;
  /** Its value is never printed. */
  readonly isSecret?: boolean;
  /** What its flag means without a value. */
  readonly bareFlag?: string;
  /** Stands for the value in `--help`. */
  readonly placeholder?: string;
  /** One line for `--help` and docs/settings.md. */
  readonly help: string;
  /** The part of the connection URL that sets it. */
  readonly url?: string;
  /** Celery's name for it. */
  readonly celery?: string;
}

// What several have.
export const seconds = { type: "integer", placeholder: "SECONDS" } as const;
export const count = { type: "integer", range: [1, 1_000_000] } as const;
export const attribute = { type: "string", placeholder: "NAME", check: checkAttributeName } as const;
export const file = { type: "string", placeholder: "FILE", check: checkPath } as const;
export const list = { type: "string", default: "", isList: true } as const;
