/** A value in a form in which it can be compared: the same for a Buffer and a Uint8Array; a part that is undefined is none. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return `bytes ${Buffer.from(value).toString("hex")}`;
  }
  if (Array.isArray(value)) {
    return value.map(comparable);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const parts = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(parts.sort().map(([name, part]) => [name, comparable(part)]));
}
