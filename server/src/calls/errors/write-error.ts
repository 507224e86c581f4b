/**
 * Writes errors to the wire, for every protocol, and reads back those that Connect has written by itself. The one exception is an error
 * in the middle of a stream: Connect's handler ends the stream with what the service threw, which `report-error.ts` has made by then.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  createAsyncIterable,
  encodeEnvelope,
  readAllBytes,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import {
  codeFromString,
  codeToHttpStatus,
  contentTypeUnaryJson,
  endStreamFlag,
  endStreamToJson,
  errorFromJsonBytes,
  errorToJson,
} from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import type { CallProtocol } from "../call.js";
import type { WireForm } from "../wire-form.js";

/** An error as one protocol has it. */
export interface WireError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Those of gRPC. Without a body they may stand in the head of the response: Trailers-Only. */
  readonly trailers?: Readonly<Record<string, string>>;
}

/** An error in Connect's JSON. */
export type ErrorJson = ReturnType<typeof errorToJson>;

/** @param contentType of the request: that of gRPC's, and of streams, comes back in the response */
export function toWireError(form: WireForm, contentType: string | undefined, error: ConnectError): WireError {
  const challenge: Record<string, string> = error.code === Code.Unauthenticated ? { "www-authenticate": "Bearer" } : {};
  const sameType = { "content-type": contentType ?? "", ...challenge };
  switch (form) {
    case "grpc":
      return { status: 200, headers: sameType, trailers: sharedTrailers(error) };
    case "grpc-web": {
      const trailers = trailerSerialize(setTrailerStatus(new Headers(), error));
      return { status: 200, headers: sameType, body: encodeEnvelope(trailerFlag, trailers) };
    }
    case "grpc-web-text": {
      const binary = toWireError("grpc-web", contentType, error);
      return { ...binary, body: Buffer.from(Buffer.from(binary.body ?? []).toString("base64")) };
    }
    case "connect-stream": {
      const end = Buffer.from(JSON.stringify(endStreamToJson(new Headers(), error, undefined)));
      return { status: 200, headers: sameType, body: encodeEnvelope(endStreamFlag, end) };
    }
    case "connect-unary":
    case "json-stream": {
      const { headers, ...rest } = toJsonWireError(errorToJson(error, undefined));
      return { ...rest, headers: { ...Object.fromEntries(error.metadata), ...headers, ...challenge } };
    }
  }
}

/** An error that is Connect's JSON already: the form of unary calls. */
export function toJsonWireError(json: ErrorJson): WireError {
  const code = codeFromString(String(json.code)) ?? Code.Unknown;
  const body = Buffer.from(JSON.stringify(json));
  return {
    status: codeToHttpStatus(code),
    headers: { "content-type": contentTypeUnaryJson, "content-length": body.length.toString() },
    body,
  };
}

/** The last line of a stream of JSON lines that has failed. */
export function toErrorLine(json: ErrorJson): Uint8Array {
  return Buffer.from(`${JSON.stringify({ error: json })}\n`);
}

/** The status of gRPC, with its details and the error's metadata. */
export function grpcTrailers(error: ConnectError, trailers = new Headers()): Record<string, string> {
  return Object.fromEntries(setTrailerStatus(trailers, error));
}

const trailersOfErrors = new WeakMap<ConnectError, Record<string, string>>();

/** The same for an error that many calls are shed with: it is written once. */
function sharedTrailers(error: ConnectError): Record<string, string> {
  let trailers = trailersOfErrors.get(error);
  if (trailers === undefined) {
    trailers = grpcTrailers(error);
    trailersOfErrors.set(error, trailers);
  }
  return trailers;
}

/** The head of a response that is nothing but an error of this form. */
export function headOf({ headers, trailers }: Pick<WireError, "headers" | "trailers">): OutgoingHttpHeaders {
  return { ...headers, ...trailers };
}

/** An error as a response of Connect's. */
export function toUniversalResponse({ status, headers, body, trailers }: WireError): UniversalServerResponse {
  return {
    status,
    header: new Headers(headers),
    ...(body && { body: createAsyncIterable([body]) }),
    ...(trailers && { trailer: new Headers(trailers) }),
  };
}

/**
 * The error in a response of Connect's that refuses a unary call by itself, such as one whose message does not parse: streams are
 * refused by the service, which reads their messages. Undefined if there is no error in it: then it was refused by its content type
 * or HTTP method, before its protocol was known.
 */
export async function readWireError(
  protocol: CallProtocol,
  { body, trailer }: UniversalServerResponse,
): Promise<ConnectError | undefined> {
  if (protocol === "grpc" && trailer !== undefined) {
    return findTrailerError(trailer) ?? untold();
  }
  const bytes = body === undefined ? new Uint8Array() : await readAllBytes(body, maxErrorBytes);
  if (bytes.length === 0) {
    return undefined;
  }
  return protocol === "grpc-web"
    ? (findTrailerError(trailerParse(bytes.subarray(envelopeHeadBytes))) ?? untold())
    : readJson(bytes);
}

/** No limit: it is in memory already. */
const maxErrorBytes = Number.MAX_SAFE_INTEGER;
const envelopeHeadBytes = 5;

function readJson(bytes: Uint8Array): ConnectError {
  try {
    return errorFromJsonBytes(bytes, undefined, untold());
  } catch {
    return untold();
  }
}

function untold(): ConnectError {
  return new ConnectError("", Code.Internal);
}
