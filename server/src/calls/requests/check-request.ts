import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Compression,
  encodeEnvelope,
  readAllBytes,
  type UniversalServerRequest,
} from "@connectrpc/connect/protocol";
import { ErrorReason } from "../../../../gen/dynakv/v1/error_pb.js";
import { DynakvError } from "../../errors/dynakv-error.js";
import type { Call } from "../call.js";
import { acceptedCompression, decompress } from "./decompress.js";
import { createMessageCheck, type MessageCheck, type MessageCheckOptions } from "./message-check.js";
import { splitEnvelopes } from "./split-envelopes.js";

const compressedFlag = 1;
/** Ends a stream of the Connect protocol. */
const endFlag = 2;
/** Decompression limit of a message in a URL: that of a Get holds one key. */
const maxQueryBytes = 65_536;

/**
 * Has the messages of a request of Connect's checked before Connect decodes them, whatever their form: see {@link createMessageCheck}.
 * They are decompressed here, since they have to be read. A request with a compression that is not served stays as it is.
 */
export async function checkRequest(
  request: UniversalServerRequest,
  call: Call,
  method: DescMethod,
  readMaxBytes: number,
  options: MessageCheckOptions,
): Promise<UniversalServerRequest> {
  if (request.method === "GET") {
    return checkQuery(request, Math.min(maxQueryBytes, readMaxBytes), (isJson) =>
      createMessageCheck(call, method, isJson, options),
    );
  }
  const type = request.header.get("content-type") ?? "";
  const [, streamed, codec] = /^application\/(connect|grpc|grpc-web)(?:\+(json|proto))?\s*(?:;|$)/i.exec(type) ?? [];
  const [, unaryCodec] = /^application\/(json|proto)\s*(?:;|$)/i.exec(type) ?? [];
  const isJson = (codec ?? unaryCodec)?.toLowerCase() === "json";
  const check = () => createMessageCheck(call, method, isJson, options);
  if (unaryCodec !== undefined) {
    return withDecompressed(request, "content-encoding", (compression) =>
      checkUnary(request, compression, readMaxBytes, check),
    );
  }
  if (streamed !== undefined) {
    const name = call.protocol === "connect" ? "connect-content-encoding" : "grpc-encoding";
    const knownFlags = call.protocol === "connect" ? compressedFlag | endFlag : compressedFlag;
    return withDecompressed(request, name, (compression) =>
      checkStream(request, compression, knownFlags, readMaxBytes, check),
    );
  }
  return request;
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
  check: () => MessageCheck,
): AsyncGenerator<Uint8Array> {
  const body = request.body as AsyncIterable<Uint8Array>;
  const bytes = await readAllBytes(body, readMaxBytes, request.header.get("content-length"));
  yield await checkMessage(bytes, compression, readMaxBytes, check());
}

async function* checkStream(
  request: UniversalServerRequest,
  compression: Compression | undefined,
  knownFlags: number,
  readMaxBytes: number,
  check: () => MessageCheck,
): AsyncGenerator<Uint8Array> {
  const body = request.body as AsyncIterable<Uint8Array>;
  for await (const { flags, data } of splitEnvelopes(body, readMaxBytes)) {
    // Connect decodes a message whatever further flags it has.
    if ((flags & ~knownFlags) !== 0) {
      throw new ConnectError(
        `protocol error: an envelope has the flags ${flags}, which mean nothing`,
        Code.InvalidArgument,
      );
    }
    if (flags === 0 || (flags === compressedFlag && compression !== undefined)) {
      yield encodeEnvelope(0, await checkMessage(data, flags === 0 ? undefined : compression, readMaxBytes, check()));
    } else {
      yield encodeEnvelope(flags, data);
    }
  }
}

async function checkMessage(
  bytes: Uint8Array,
  compression: Compression | undefined,
  readMaxBytes: number,
  check: MessageCheck,
): Promise<Uint8Array> {
  if (compression === undefined) {
    await check.add(bytes);
    return check.finish(bytes);
  }
  return check.finish(await decompress(compression, bytes, readMaxBytes, check.addDecompressed));
}

/** Connect's GET has its message in the URL, percent-encoded or in base64. */
async function checkQuery(
  request: UniversalServerRequest,
  readMaxBytes: number,
  check: (isJson: boolean) => MessageCheck,
): Promise<UniversalServerRequest> {
  const url = new URL(request.url);
  const { searchParams: parameters } = url;
  const encoding = parameters.get("compression") ?? "identity";
  const compression = acceptedCompression.find(({ name }) => name === encoding);
  const isJson = parameters.get("encoding") === "json";
  if ((!isJson && parameters.get("encoding") !== "proto") || (compression === undefined && encoding !== "identity")) {
    return request;
  }
  const message = await checkMessage(messageOf(url), compression, readMaxBytes, check(isJson));
  parameters.set("message", Buffer.from(message).toString("base64url"));
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
