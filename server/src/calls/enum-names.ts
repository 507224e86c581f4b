const names = new WeakMap<object, ReadonlyMap<unknown, string>>();

/** The name that an enum of the schema gives a value; undefined when it has none. */
export function nameOf(values: Readonly<Record<string, unknown>>, value: unknown): string | undefined {
  let byValue = names.get(values);
  if (byValue === undefined) {
    byValue = new Map(Object.entries(values).map(([name, each]) => [each, name]));
    names.set(values, byValue);
  }
  return byValue.get(value);
}
