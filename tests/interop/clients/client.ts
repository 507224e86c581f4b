import { createRegistry, fromBinary, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ErrorDetailSchema } from "../../../gen/dynakv/v1/error_pb.js";
import { KeyValueService } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { Code } from "../../../gen/google/rpc/code_pb.js";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import type { Step } from "../cases/case.js";
import type { Json, JsonObject } from "../json.js";

/** A client of somebody's, against one server. */
export interface InteropClient {
  /** What its column is called. */
  readonly title: string;
  /** Makes one call and returns its answer, in the form of {@link messagesAnswer} or {@link errorAnswer}. */
  call(method: Step["method"], request: JsonObject): Promise<JsonObject>;
  stop(): Promise<void>;
}

/** A detail of an error as it is on the wire, its bytes in Base64. */
export interface WireDetail {
  readonly type: string;
  readonly value: string;
}

const details = createRegistry(ErrorDetailSchema, BadRequestSchema, RetryInfoSchema);

/**
 * The answer that messages make. They go through our schema once more, for clients may write the same message in more
 * than one way (with defaults or without, numbers as texts); a field that the schema does not know is an error.
 */
export function messagesAnswer(method: Step["method"], messages: readonly Json[]): JsonObject {
  const schema = methodNamed(method).output;
  const read = messages.map((each) => toJson(schema, fromJson(schema, each as JsonValue)) as JsonObject);
  if (isStream(method)) {
    const results = read.flatMap((each) => each.results as readonly JsonObject[]);
    // Protobuf's JSON leaves an index of 0 out.
    return { results: results.toSorted((one, other) => Number(one.index ?? 0) - Number(other.index ?? 0)) };
  }
  const [message] = read;
  if (message === undefined || read.length > 1) {
    throw new Error(`${method} was answered by ${read.length} messages`);
  }
  return message;
}

export function errorAnswer(code: number, message: string, found: readonly JsonObject[]): JsonObject {
  const [name] = Object.entries(Code).find(([, value]) => value === code) ?? [String(code)];
  return { code: name, message, details: found };
}

/** A detail, in JSON. */
export function readDetail({ type, value }: WireDetail): JsonObject {
  const schema = schemaOf(type);
  return { "@type": type, ...(toJson(schema, fromBinary(schema, Buffer.from(value, "base64"))) as JsonObject) };
}

/** A detail that the client has read already, through the schema once more. */
export function checkDetail({ "@type": url, ...fields }: JsonObject): JsonObject {
  const type = String(url).replace("type.googleapis.com/", "");
  const schema = schemaOf(type);
  return { "@type": type, ...(toJson(schema, fromJson(schema, fields as JsonValue)) as JsonObject) };
}

/** Returns true if a method answers by any number of messages. */
export function isStream(method: Step["method"]): boolean {
  return methodNamed(method).methodKind === "server_streaming";
}

export function methodNamed(name: Step["method"]) {
  const method = KeyValueService.methods.find((each) => each.name === name);
  if (method === undefined) {
    throw new Error(`the service has no ${name}`);
  }
  return method;
}

function schemaOf(type: string) {
  const schema = details.getMessage(type);
  if (schema === undefined) {
    throw new Error(`an error has a detail of the unknown type ${type}`);
  }
  return schema;
}
