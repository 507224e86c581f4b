import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Compression,
  encodeEnvelope,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { ErrorReason, Outcome } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Call } from "../call.js";
import { isWrite } from "../errors/to-connect-error.js";
import { toExactJson } from "./exact-json.js";

/** What requests may be compressed with. */
export const acceptedCompression: readonly Compression[] = [compressionGzip, compressionBrotli];

const compressedFlag = 1;
/** Ends a stream of the Connect protocol. */
const endFlag = 2;

/**
 * Has the JSON in a request of Connect's checked before Connect decodes it: see {@link toExactJson}. It is decompressed here, since it
 * has to be read. A request without JSON, and one with a compression that is not served, stays as it is.
 */
export async function checkJson(
  request: UniversalServerRequest,
  call: Call,
  method: DescMethod,
  readMaxBytes: number,
): Promise<UniversalServerRequest> {
  const check = (bytes: Uint8Array) => checkDocument(bytes, call, method);
  if (request.method === "GET") {
    return checkQuery(request, readMaxBytes, check);
  }
  const type = request.header.get("content-type") ?? "";
  if (/^application\/json\s*(;|$)/i.test(type)) {
    return withDecompressed(request, "content-encoding", (compression) =>
      checkUnary(request, compression, readMaxBytes, check),
    );
  }
  if (/^application\/(connect|grpc|grpc-web)\+json\s*(;|$)/i.test(type)) {
    const name = call.protocol === "connect" ? "connect-content-encoding" : "grpc-encoding";
    const knownFlags = call.protocol === "connect" ? compressedFlag | endFlag : compressedFlag;
    return withDecompressed(request, name, (compression) =>
      checkStream(request, compression, knownFlags, readMaxBytes, check),
    );
  }
  return request;
}

function checkDocument(bytes: Uint8Array, call: Call, method: DescMethod): Uint8Array {
  try {
    return Buffer.from(toExactJson(bytes, method.input));
  } catch (error) {
    throw refuseBody(error, call, method);
  }
}

/** Connect tells of what a body throws in words of its own: those of the call are ours. */
function refuseBody(error: unknown, call: Call, method: DescMethod): unknown {
  if (error instanceof DynakvError) {
    call.bodyRefusal ??= isWrite(method) ? error.withOutcome(Outcome.NOT_APPLIED) : error;
    return call.bodyRefusal;
  }
  return error;
}

/** The request with another body, which is not compressed any more. */
function withDecompressed(
  request: UniversalServerRequest,
  encodingHeader: string,
  toBody: (compression: Compression | undefined) => AsyncIterable<Uint8Array>,
): UniversalServerRequest {
  const encoding = request.header.get(encodingHeader) ?? "identity";
  const compression = acceptedCompression.find(({ name }) => name === encoding);
  if (compression === undefined && encoding !== "identity") {
    return request;
  }
  const header = new Headers(request.header);
  header.delete(encodingHeader);
  header.delete("content-length");
  return { ...request, header, body: toBody(compression) };
}

async function* checkUnary(
  request: UniversalServerRequest,
  compression: Compression | undefined,
  readMaxBytes: number,
  check: (bytes: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const body = request.body as AsyncIterable<Uint8Array>;
  const bytes = await readAllBytes(body, readMaxBytes, request.header.get("content-length"));
  yield check(compression === undefined ? bytes : await compression.decompress(bytes, readMaxBytes));
}

async function* checkStream(
  request: UniversalServerRequest,
  compression: Compression | undefined,
  knownFlags: number,
  readMaxBytes: number,
  check: (bytes: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const body = request.body as AsyncIterable<Uint8Array>;
  for await (const { flags, data } of transformSplitEnvelope(readMaxBytes)(body)) {
    // Connect decodes a message whatever further flags it has.
    if ((flags & ~knownFlags) !== 0) {
      throw new ConnectError(
        `protocol error: an envelope has the flags ${flags}, which mean nothing`,
        Code.InvalidArgument,
      );
    }
    if (flags === compressedFlag && compression !== undefined) {
      yield encodeEnvelope(0, check(await compression.decompress(data, readMaxBytes)));
    } else {
      yield encodeEnvelope(flags, flags === 0 ? check(data) : data);
    }
  }
}

/** Connect's GET has its message in the URL, percent-encoded or in base64. */
async function checkQuery(
  request: UniversalServerRequest,
  readMaxBytes: number,
  check: (bytes: Uint8Array) => Uint8Array,
): Promise<UniversalServerRequest> {
  const url = new URL(request.url);
  const { searchParams: parameters } = url;
  const encoding = parameters.get("compression") ?? "identity";
  const compression = acceptedCompression.find(({ name }) => name === encoding);
  if (parameters.get("encoding") !== "json" || (compression === undefined && encoding !== "identity")) {
    return request;
  }
  const given = messageOf(url);
  const bytes = compression === undefined ? given : await compression.decompress(given, readMaxBytes);
  parameters.set("message", Buffer.from(check(bytes)).toString("base64url"));
  parameters.set("base64", "1");
  parameters.delete("compression");
  return { ...request, url: url.toString() };
}

function messageOf({ search, searchParams }: URL): Uint8Array {
  if (searchParams.get("base64") === "1") {
    return Buffer.from(searchParams.get("message") ?? "", "base64url");
  }
  const [, raw = ""] = /[?&]message=([^&]*)/.exec(search) ?? [];
  return percentDecode(raw);
}

/** As URLSearchParams does, but to bytes: it puts U+FFFD in the place of what is not UTF-8. */
function percentDecode(text: string): Uint8Array {
  try {
    return Buffer.from(decodeURIComponent(text.replaceAll("+", " ")));
  } catch {
    throw new DynakvError(ErrorReason.INVALID_FIELD, "the message in the URL is not UTF-8, or not percent-encoded");
  }
}
