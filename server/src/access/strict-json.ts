import { UsageError } from "../../../common/command-line/usage-error.js";

/**
 * Readers of what an operator has written as JSON. Each error names the place, such as `tokens[2].expires`, and never what stands
 * there: it may be a secret in the wrong place.
 */

/** An object with the required fields and no others than those and the optional ones. */
export function readObject<Required extends string, Optional extends string = never>(
  value: unknown,
  place: string,
  required: readonly Required[],
  optional: readonly Optional[] = [],
): Record<Required, unknown> & Partial<Record<Optional, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`${place}: must be a JSON object`);
  }
  const known: readonly string[] = [...required, ...optional];
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      const shown = /^[a-z_-]{1,20}$/i.test(name) ? ` ${JSON.stringify(name)}` : "";
      throw new UsageError(`${place}: unknown field${shown}; there are ${known.join(", ")}`);
    }
  }
  for (const name of required) {
    if (!Object.hasOwn(value, name)) {
      throw new UsageError(`${place}: ${name} is missing`);
    }
  }
  return value as Record<Required, unknown> & Partial<Record<Optional, unknown>>;
}

export function readArray(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new UsageError(`${place}: must be a list`);
  }
  return value;
}

/** A list that has something in it, each read by itself. */
export function readSome<T>(value: unknown, place: string, read: (item: unknown, place: string) => T): readonly T[] {
  const items = readArray(value, place);
  if (items.length === 0) {
    throw new UsageError(`${place}: is empty`);
  }
  return items.map((item, index) => read(item, `${place}[${index}]`));
}

/** A string of the form that the pattern says and `form` tells the operator. */
export function readText(value: unknown, place: string, pattern: RegExp, form: string): string {
  if (typeof value !== "string" || !pattern.test(value)) {
    throw new UsageError(`${place}: must be ${form}`);
  }
  return value;
}
