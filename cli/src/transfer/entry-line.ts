import type { Entry } from "@dynakv/client";
import { parseTime } from "../../../common/command-line/parse-time.js";
import { int64 } from "../../../common/int64.js";
import { toEntryJson } from "../entry-json.js";

/** One entry of an export, as it is to be stored. */
export interface EntryLine {
  readonly key: string;
  readonly data:
    | { readonly kind: "value"; readonly value: Uint8Array }
    | { readonly kind: "counter"; readonly counter: bigint };
  readonly expireTime: Date | undefined;
}

/** The line of an entry. Its etag is left out: what is stored anew gets a new one. */
export function formatLine(entry: Entry): string {
  const { etag: _, ...json } = toEntryJson(entry);
  return `${JSON.stringify(json)}\n`;
}

/** An import line that cannot be stored. The message quotes nothing of the line. */
export class BadLine extends Error {
  override readonly name = "BadLine";
}

/** The entry of a line. What it says beside that, such as the write time, is passed over. Throws a {@link BadLine}. */
export function parseLine(text: string): EntryLine {
  const { key, value, counter, expireTime, error, missing } = parseObject(text);
  if (typeof key !== "string") {
    throw new BadLine("has no key");
  }
  if (!key.isWellFormed()) {
    throw new BadLine("has a key that is not UTF-8");
  }
  if (error !== undefined || missing !== undefined) {
    throw new BadLine("tells of a key that could not be read, and holds nothing");
  }
  if ((value === undefined) === (counter === undefined)) {
    throw new BadLine("has not one of value and counter");
  }
  return {
    key,
    data:
      value === undefined
        ? { kind: "counter", counter: parseCounter(counter) }
        : { kind: "value", value: parseBase64(value) },
    expireTime: expireTime === undefined ? undefined : readTime(expireTime),
  };
}

function parseObject(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    // Editors may have added a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new BadLine("is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new BadLine("is not an object of JSON");
  }
  return parsed as Record<string, unknown>;
}

function parseCounter(counter: unknown): bigint {
  // No number: JSON's are exact up to 2^53 only.
  const parsed = typeof counter === "string" && /^-?\d{1,19}$/.test(counter) ? BigInt(counter) : undefined;
  if (parsed === undefined || parsed < int64.min || parsed > int64.max) {
    throw new BadLine("has a counter that is no string of an integer of 64 bits");
  }
  return parsed;
}

function parseBase64(value: unknown): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64") : undefined;
  // Node passes over what is no base64.
  if (bytes === undefined || bytes.toString("base64") !== value) {
    throw new BadLine("has a value that is not base64");
  }
  return bytes;
}

function readTime(time: unknown): Date {
  const parsed = typeof time === "string" ? parseTime(time) : undefined;
  if (parsed === undefined) {
    throw new BadLine("has an expireTime that is no time with Z or an offset, such as 2030-01-31T12:00:00.000Z");
  }
  return parsed;
}
