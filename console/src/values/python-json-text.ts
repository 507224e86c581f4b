/** Text of what `@dynakv/client/celery` has read, for people: JSON, with integers of any size, and kombu's types as they are written. */
export function toReadableJson(value: unknown): string {
  return write(value, 0) ?? "null";
}

/** Deeper than that nobody reads, and the rest is as it was stored in the other forms of the value. */
const maxDepth = 100;

function write(value: unknown, depth: number): string | undefined {
  if (depth > maxDepth) {
    return '"…"';
  }
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return `"${value}"`;
  }
  if (value instanceof Uint8Array) {
    return JSON.stringify(`(${value.length} bytes)`);
  }
  if (value instanceof Set) {
    return write([...value], depth);
  }
  if (Array.isArray(value)) {
    return `[${value.map((each) => write(each, depth + 1) ?? "null").join(",")}]`;
  }
  if (typeof value === "object" && value !== null && !("toJSON" in value)) {
    const members = Object.entries(value).map(
      ([name, each]) => `${JSON.stringify(name)}:${write(each, depth + 1) ?? "null"}`,
    );
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}
