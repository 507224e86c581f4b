import { Code } from "@connectrpc/connect";
import { type Checks, callback, integerIn, objectOfFunctions } from "../arguments/checks.js";
import { utf8 } from "../codecs.js";
import type { Entry } from "../entry.js";
import { DynakvError } from "../errors.js";
import { CompressionError, decompress } from "./compression.js";
import { parsePythonJson } from "./python-json.js";
import type { PythonTypes } from "./python-values.js";

/** Options for reading stored results. */
export interface PayloadOptions {
  /**
   * Decompression limit of a result in bytes, from 1 to 2^31 − 1. More is refused before it is in memory. The default is
   * 16 MiB: forty times what an item of DynamoDB holds.
   */
  readonly maxInflatedBytes?: number | undefined;
  /**
   * Types that the application has registered with kombu (`kombu.utils.json.register_type`), by their markers: what each makes
   * of its value. They stand before those that kombu itself registers. A type that is not known stays
   * `{ __type__, __value__ }`.
   */
  readonly types?: PythonTypes | undefined;
  /**
   * Reads results of another `result_serializer` than `json`, once they are inflated, such as the decoder of a library for
   * MessagePack. The default reads JSON, with numbers and types as {@link parsePythonJson} has them.
   */
  readonly deserialize?: ((payload: Uint8Array) => unknown) | undefined;
}

export const payloadChecks: Checks<PayloadOptions> = {
  maxInflatedBytes: integerIn("1 to 2147483647 bytes", 1, 2 ** 31 - 1),
  types: objectOfFunctions<PythonTypes[string]>,
  deserialize: callback<(payload: Uint8Array) => unknown>,
};

export type Meta = Readonly<Record<string, unknown>>;

const defaultMaxInflatedBytes = 16 * 1024 * 1024;

/** The object that Celery has stored. Rejects with UNDECODABLE, which tells what it was written by, for one that cannot be read. */
export async function decodeMeta(entry: Entry, options: PayloadOptions): Promise<Meta> {
  if (entry.kind !== "value") {
    throw undecodable("what Celery writes, but a counter");
  }
  let payload: Uint8Array;
  try {
    payload = await decompress(entry.value, options.maxInflatedBytes ?? defaultMaxInflatedBytes);
  } catch (error) {
    const why = error instanceof CompressionError ? error.message : "compressed";
    throw undecodable(`a result that can be read: it is ${why} (Celery's result_compression)`, error);
  }
  const meta = await deserialize(payload, options);
  if (!isObject(meta)) {
    throw undecodable("what Celery writes: it is no object");
  }
  return meta;
}

async function deserialize(payload: Uint8Array, { types, deserialize: custom }: PayloadOptions): Promise<unknown> {
  try {
    return await (custom === undefined ? parsePythonJson(await utf8.decode(payload), types) : custom(payload));
  } catch (error) {
    const what =
      custom === undefined
        ? `JSON, as Celery writes it with result_serializer 'json'${guess(payload)}`
        : "what deserialize reads";
    throw undecodable(what, error);
  }
}

/** Which of Celery's other serializers has written what is not JSON. */
function guess(payload: Uint8Array): string {
  const [first = 0, second = 0] = payload;
  // Pickle's opcode PROTO, and the version of its protocol; a map of MessagePack's with one to fifteen members, or more.
  if (first === 0x80 && second >= 2 && second <= 5) {
    return ": it looks like result_serializer 'pickle', which Python alone reads";
  }
  if ((first > 0x80 && first <= 0x8f) || first === 0xde) {
    return ": it looks like result_serializer 'msgpack'; give a `deserialize` that reads it";
  }
  // YAML's safe_dump sorts the names.
  if (/^(?:args|children|result):/.test(String.fromCharCode(...payload.subarray(0, 16)))) {
    return ": it looks like result_serializer 'yaml'; give a `deserialize` that reads it";
  }
  return "";
}

export function isObject(value: unknown): value is Meta {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function undecodable(what: string, cause?: unknown): DynakvError {
  return new DynakvError(`the key does not hold ${what}`, { reason: "UNDECODABLE", code: Code.DataLoss, cause });
}
