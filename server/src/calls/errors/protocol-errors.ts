import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason, type Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError, type DynakvErrorOptions } from "../../errors/dynakv-error.js";
import type { Reason } from "../../errors/error-reasons.js";
import { maxBytesOf } from "../request-bytes.js";

/** The limits that such errors tell. */
export interface ProtocolLimits {
  readonly maxRequestBytes: number;
}

/**
 * The typed error for a request that Connect refuses. Connect's own messages quote what they could not read, values
 * included: of their text, only numbers and the names of fields are used.
 */
export function toProtocolError(
  error: unknown,
  method: DescMethod | undefined,
  limits: ProtocolLimits,
  outcome: Outcome,
): DynakvError {
  if (error instanceof DynakvError) {
    // An interceptor's own.
    return error.withOutcome(outcome);
  }
  const { code, rawMessage } = ConnectError.from(error, Code.Internal);
  const refuse = (reason: Reason, message: string, options: DynakvErrorOptions = {}) =>
    new DynakvError(reason, message, { ...options, outcome });

  if (code === Code.DeadlineExceeded || code === Code.Unavailable || code === Code.Canceled) {
    return abortError(new ConnectError("", code), outcome);
  }
  if (code === Code.Aborted || /^http\/2 stream closed/.test(rawMessage)) {
    return abortError(undefined, outcome);
  }
  if (code === Code.ResourceExhausted) {
    const size = /^message size (\d+)/.exec(rawMessage)?.[1];
    const problem = size === undefined ? "the request is too long" : `the request has ${size} bytes`;
    const message = `${problem}; the limit is ${maxBytesOf(method?.parent, limits.maxRequestBytes)} bytes`;
    const largest = largestFields.get(method?.name ?? "");
    return refuse(largest?.reason ?? ErrorReason.INVALID_FIELD, message, fieldOption(largest?.field));
  }
  if (code === Code.Unimplemented) {
    return refuse(ErrorReason.UNIMPLEMENTED, unimplementedMessage(rawMessage));
  }
  if (rawMessage.startsWith("protocol error: ")) {
    return refuse(ErrorReason.INVALID_FIELD, "the request body does not match its content length");
  }
  return unreadable(rawMessage, method, refuse);
}

/** The field that makes a request too large. */
const largestFields = new Map<string, { field: string; reason: Reason }>([
  ["Set", { field: "value", reason: ErrorReason.VALUE_TOO_LARGE }],
  ["MGet", { field: "keys", reason: ErrorReason.INVALID_FIELD }],
  ["MSet", { field: "entries", reason: ErrorReason.INVALID_FIELD }],
  ["MDelete", { field: "keys", reason: ErrorReason.INVALID_FIELD }],
]);

function unimplementedMessage(rawMessage: string): string {
  if (rawMessage.startsWith("unknown compression")) {
    const supported = /supported encodings are ([\w,]+)$/.exec(rawMessage)?.[1];
    return `unsupported compression; supported: ${supported ?? "none"}`;
  }
  return /^protocol error: [\w -]+$/.test(rawMessage) ? rawMessage : "unsupported content type";
}

/** A body that does not parse: the field is told where Connect names one. */
function unreadable(
  rawMessage: string,
  method: DescMethod | undefined,
  refuse: (reason: Reason, message: string, options?: DynakvErrorOptions) => DynakvError,
): DynakvError {
  const typeName = method?.input.typeName ?? "message";
  const [, owner, name] = /^cannot decode (?:field|oneof) ([\w.]+)\.(\w+) from JSON/.exec(rawMessage) ?? [];
  if (owner !== undefined && name !== undefined) {
    const field = pathOf(method, owner, name);
    return refuse(ErrorReason.INVALID_FIELD, `${field}: not as the schema has it`, { field });
  }
  const [, message, unknown] =
    /^cannot decode message ([\w.]+) from JSON: key "(\w{1,64})" is unknown$/.exec(rawMessage) ?? [];
  if (message !== undefined && unknown !== undefined) {
    const field = pathOf(method, message, unknown);
    return refuse(ErrorReason.INVALID_FIELD, `${field}: unknown field`, { field });
  }
  return refuse(ErrorReason.INVALID_FIELD, `the body is not a valid ${typeName}, or a string in it is not UTF-8`);
}

/** The path of a field from the request on, as far as it is known. */
function pathOf(method: DescMethod | undefined, owner: string, name: string): string {
  const parent = method?.input.fields.find(({ message }) => message?.typeName === owner);
  return parent === undefined ? name : `${parent.name}.${name}`;
}

function fieldOption(field: string | undefined): DynakvErrorOptions {
  return field === undefined ? {} : { field };
}
