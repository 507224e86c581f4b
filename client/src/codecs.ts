import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Check, bytes as checkBytes, text as checkText, mustBe, objectWith } from "./arguments/checks.js";
import { describe, kindOf, tagOf } from "./arguments/describe.js";

/** Encodes and decodes values of one type. Either direction may take its time. */
export interface Codec<Read, Write = Read> {
  /** Throws, or rejects, when the value is not one of the type. Nothing is written then. */
  encode(value: Write): Uint8Array | Promise<Uint8Array>;
  /** Throws, or rejects, when the bytes are none of the type. */
  decode(bytes: Uint8Array): Read | Promise<Read>;
}

const encoder = new TextEncoder();
// Fatal: invalid UTF-8 is an error, not a replacement character; and a byte order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as they are. */
export const bytes: Codec<Uint8Array> = { encode: (value) => checkBytes("value", value), decode: (value) => value };

/** Text, in UTF-8. Half a surrogate pair, which UTF-8 cannot hold, is refused. */
export const utf8: Codec<string> = {
  encode(text) {
    return encoder.encode(checkText("value", text));
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
export function json(given?: StandardSchemaV1): Codec<unknown> {
  const schema = given === undefined ? undefined : standardSchema("schema", given);
  return {
    async encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) {
        throw mustBe("value", "a JSON-serializable value", kindOf(value));
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

/** The error for a value that does not match its schema. */
export class SchemaError extends TypeError {
  override readonly name = "SchemaError";
  /** The schema's findings, with their paths. */
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    const [first] = issues;
    const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    super(`the value does not match the schema${path === "" ? "" : ` at ${path}`}: ${first?.message}`);
    this.issues = issues;
  }
}

/** Validates a value, and returns the schema's output. Rejects with a SchemaError that names where it does not fit. */
export async function validate(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) {
    throw new SchemaError(result.issues);
  }
  return result.value;
}

/** A schema of a library with Standard Schema. */
export const standardSchema: Check<StandardSchemaV1> = (name, given) => {
  const checked = objectWith<StandardSchemaV1>("a schema of a library with Standard Schema")(name, given);
  objectWith("a schema of a library with Standard Schema", "validate")(name, checked["~standard"]);
  return checked;
};

/** Messages of Protobuf, in their binary form. */
export function protobuf<D extends DescMessage>(schema: D): Codec<MessageShape<D>, MessageInitShape<D>> {
  if (tagOf(schema) !== "Object" || schema.kind !== "message") {
    throw mustBe("schema", "the schema of a message, as protoc-gen-es generates it", describe(schema));
  }
  return {
    encode(value) {
      if (typeof value !== "object" || value === null) {
        throw mustBe("value", `a message of ${schema.typeName}`, kindOf(value));
      }
      try {
        return toBinary(schema, create(schema, value));
      } catch (error) {
        // Its own error quotes the value.
        const [, field] = /field (\S+)/.exec((error as Error).message) ?? [];
        throw mustBe(
          "value",
          `a message of ${schema.typeName}`,
          field === undefined ? "one that cannot be encoded" : `one whose field ${field} cannot be encoded`,
        );
      }
    },
    decode: (value) => fromBinary(schema, value),
  };
}
