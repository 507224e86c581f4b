import { base64Decode } from "@bufbuild/protobuf/wire";
import { instantOf } from "./instants.js";

/** Reads what an application has registered with kombu (`kombu.utils.json.register_type`), by its marker. */
export type PythonTypes = Readonly<Record<string, (value: unknown) => unknown>>;

/**
 * Python's `datetime`. It is a Date, to the millisecond; `text` has all of it. One without an offset is read as UTC, which is
 * what Celery itself means by it.
 */
export class PythonDateTime extends Date {
  readonly type = "datetime";
  /** As Python's `isoformat` writes it: `2026-11-23T08:13:57.490123+01:00`. */
  readonly text: string;
  /** True if Python knew its offset from UTC ("aware"). */
  readonly hasOffset: boolean;

  constructor(text: string) {
    const { ms, hasOffset } = instantOf(text) ?? { ms: Number.NaN, hasOffset: false };
    super(ms);
    this.text = text;
    this.hasOffset = hasOffset;
  }

  override toJSON(): string {
    return this.text;
  }
}

abstract class PythonText {
  /** As Python writes it. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Python's `date`: `2026-11-23`. */
export class PythonDate extends PythonText {
  readonly type = "date";
}

/** Python's `time`: `08:13:57.490123`, with an offset where it has one. */
export class PythonTime extends PythonText {
  readonly type = "time";
}

/** Python's `Decimal`: `1.10`, `1E+30`, `NaN`. `Number(decimal)` rounds it. */
export class PythonDecimal extends PythonText {
  readonly type = "decimal";
}

/** Python's `UUID`, in lower case with hyphens. */
export class PythonUuid extends PythonText {
  readonly type = "uuid";
}

/** Reads the value of `{"__type__": …, "__value__": …}`; undefined when it is none of the type. */
type Reader = (value: unknown) => unknown;

const isoTime = /^\d\d(?::?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d(?::?\d\d(?::?\d\d(?:\.\d{1,6})?)?)?)?$/;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?(?:E[+-]?\d+)?|\.\d+(?:E[+-]?\d+)?|Inf(?:inity)?|s?NaN\d*)$/i;
const hex = /^[0-9a-f]{32}$/i;

/** kombu's built-in types, and sets, which applications register. */
const readers: ReadonlyMap<unknown, Reader> = new Map<string, Reader>([
  ["datetime", fromText((text) => (instantOf(text) === undefined ? undefined : new PythonDateTime(text)))],
  // A date is an instant when a time is added to it: the calendar is checked so.
  ["date", fromText((text) => (instantOf(`${text}T00:00`) === undefined ? undefined : new PythonDate(text)))],
  ["time", fromText((text) => (isoTime.test(text) ? new PythonTime(text) : undefined))],
  ["decimal", fromText((text) => (decimal.test(text) ? new PythonDecimal(text) : undefined))],
  ["uuid", (value) => toUuid((value as { hex?: unknown } | null)?.hex)],
  ["bytes", fromText((text) => (text.isWellFormed() ? new TextEncoder().encode(text) : undefined))],
  ["base64", fromText(fromBase64)],
  ["set", toSet],
  ["frozenset", toSet],
]);

/**
 * Decodes kombu's typed values. An object that is none, whose type is not known, or that does not fit its type
 * comes back as it is.
 */
export function readTyped(object: Record<string, unknown>, types: PythonTypes): unknown {
  if (!Object.hasOwn(object, "__type__") || !Object.hasOwn(object, "__value__") || Object.keys(object).length !== 2) {
    return object;
  }
  const { __type__: type, __value__: value } = object;
  if (typeof type === "string" && Object.hasOwn(types, type)) {
    return types[type]?.(value);
  }
  return readers.get(type)?.(value) ?? object;
}

function fromText(read: (text: string) => unknown): Reader {
  return (value) => (typeof value === "string" ? read(value) : undefined);
}

function toUuid(digits: unknown): PythonUuid | undefined {
  if (typeof digits !== "string" || !hex.test(digits)) {
    return undefined;
  }
  return new PythonUuid(digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return base64Decode(text);
  } catch {
    return undefined;
  }
}

function toSet(value: unknown): ReadonlySet<unknown> | undefined {
  return Array.isArray(value) ? new Set(value) : undefined;
}
