/**
 * gRPC-web's text mode, which is what the official client for browsers speaks by default: the bytes of gRPC-web in base64, of which
 * every part may be padded by itself. It is put on and taken off here, and all else is gRPC-web's.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";

const binaryType = "application/grpc-web+proto";
const textType = "application/grpc-web-text+proto";

/** The request as gRPC-web has it. */
export function fromText(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  header.set("content-type", binaryType);
  header.delete("content-length");
  return { ...request, header, body: decode(request.body as AsyncIterable<Uint8Array>) };
}

async function* decode(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  /** Characters of an incomplete group of four. */
  let rest = "";
  for await (const chunk of body) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    yield decodeGroups(text.slice(0, whole));
  }
  if (rest !== "") {
    throw malformed();
  }
}

/** Parts that were encoded by themselves end with padding, in the middle of the text. */
function decodeGroups(text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)*$/.test(text)) {
    throw malformed();
  }
  const parts = text.match(/[^=]+=*/g) ?? [];
  return Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
}

function malformed(): ConnectError {
  return new ConnectError("protocol error: the body is not base64", Code.InvalidArgument);
}

/** gRPC-web's response as text. */
export function toText(response: UniversalServerResponse): UniversalServerResponse {
  const header = new Headers(response.header);
  if (response.body === undefined || !header.get("content-type")?.startsWith("application/grpc-web")) {
    return response;
  }
  header.set("content-type", textType);
  return { ...response, header, body: encode(response.body) };
}

async function* encode(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    yield Buffer.from(Buffer.from(chunk).toString("base64"));
  }
}
