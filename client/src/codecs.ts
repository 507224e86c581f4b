import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** How values of a type become bytes and come back. Either way may take its time. */
export interface Codec<Read, Write = Read> {
  /** Throws, or rejects, when the value is not one of the type. Nothing is written then. */
  encode(value: Write): Uint8Array | Promise<Uint8Array>;
  /** Throws, or rejects, when the bytes are none of the type. */
  decode(bytes: Uint8Array): Read | Promise<Read>;
}

const encoder = new TextEncoder();
// What is not UTF-8 is an error, not a replacement character; and a byte order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as they are. */
export const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

/** Text, in UTF-8. Half a surrogate pair, which UTF-8 cannot hold, is refused. */
export const utf8: Codec<string> = {
  encode(text) {
    if (!text.isWellFormed()) {
      throw new TypeError("the text holds half a surrogate pair");
    }
    return encoder.encode(text);
  },
  decode: (value) => decoder.decode(value),
};

/** JSON of any shape. For a shape that is checked, give a schema. */
export function json<T = unknown>(): Codec<T>;
/**
 * JSON of a shape that a schema describes: of Zod, Valibot, ArkType or any other library with
 * [Standard Schema](https://standardschema.dev). What is written is checked first, and written as it was given; what is read
 * is what the schema makes of it.
 */
export function json<S extends StandardSchemaV1>(
  schema: S,
): Codec<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>;
export function json(schema?: StandardSchemaV1): Codec<unknown> {
  return {
    async encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) {
        throw new TypeError(`${typeof value} has no form in JSON`);
      }
      if (schema !== undefined) {
        // As it will be read: what JSON leaves out or changes must not surprise the reader.
        await validate(schema, JSON.parse(text));
      }
      return encoder.encode(text);
    },
    async decode(value) {
      const parsed: unknown = JSON.parse(decoder.decode(value));
      return schema === undefined ? parsed : validate(schema, parsed);
    },
  };
}

/** What a schema makes of a value. Throws a TypeError that names where it does not fit. */
export async function validate(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) {
    const [first] = result.issues;
    const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    throw new TypeError(`the value does not fit the schema${path === "" ? "" : ` at ${path}`}: ${first?.message}`);
  }
  return result.value;
}

/** Messages of Protobuf, in their binary form. */
export function protobuf<D extends DescMessage>(schema: D): Codec<MessageShape<D>, MessageInitShape<D>> {
  return {
    encode: (value) => toBinary(schema, create(schema, value)),
    decode: (value) => fromBinary(schema, value),
  };
}
