import type { DescMethod } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import type { Random } from "../random.js";
import { encodeFrames, type Frame, flags, frameTypes, headerBlock, preface, settingsFrame } from "./frames.js";

/** One HTTP request, of any version. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** The bytes of an HTTP/1 request, after which the server shall close the connection. */
export function encodeHttp1({ method, path, headers, body }: HttpRequest): Buffer {
  const fields = [["host", "localhost"], ["connection", "close"], ["content-length", String(body.length)], ...headers];
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}\r\n`, "latin1"), body]);
}

/** The frames of a request on a stream, and those that a connection begins with. */
export function http2Frames({ method, path, headers, body }: HttpRequest, stream = 1): Frame[] {
  const pseudo = [
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
  ] as const;
  const block = headerBlock([...pseudo, ...headers.map(([name, value]) => [name.toLowerCase(), value] as const)]);
  return [
    settingsFrame(),
    { type: frameTypes.headers, flags: flags.endHeaders, stream, payload: block },
    ...dataFrames(body, stream),
  ];
}

const maxFrameBytes = 16_384;

function dataFrames(body: Uint8Array, stream: number): Frame[] {
  const count = Math.max(1, Math.ceil(body.length / maxFrameBytes));
  return Array.from({ length: count }, (_, n) => ({
    type: frameTypes.data,
    flags: n === count - 1 ? flags.endStream : 0,
    stream,
    payload: body.subarray(n * maxFrameBytes, (n + 1) * maxFrameBytes),
  }));
}

export function encodeHttp2(request: HttpRequest): Buffer {
  return Buffer.concat([preface, encodeFrames(http2Frames(request))]);
}

export const rpcProtocols = ["grpc", "grpc-web", "connect", "connect-stream"] as const;
export type RpcProtocol = (typeof rpcProtocols)[number];

/** A call as a client of the protocol sends it, but for what is in its message. */
export function rpcRequest(
  method: DescMethod,
  protocol: RpcProtocol,
  codec: "proto" | "json",
  message: Uint8Array,
  headers: HttpRequest["headers"] = [],
): HttpRequest {
  const type = {
    grpc: `application/grpc+${codec}`,
    "grpc-web": `application/grpc-web+${codec}`,
    connect: `application/${codec}`,
    "connect-stream": `application/connect+${codec}`,
  }[protocol];
  const extra: (readonly [string, string])[] = protocol === "grpc" ? [["te", "trailers"]] : [];
  return {
    method: "POST",
    path: pathOf(method),
    headers: [["content-type", type], ...extra, ...headers],
    body: protocol === "connect" ? message : encodeEnvelope(0, message),
  };
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The protocol that carries a method: Connect has one form for unary methods and one for streams. */
export function drawProtocol(random: Random, method: DescMethod): RpcProtocol {
  const connect = method.methodKind === "unary" ? "connect" : "connect-stream";
  return random.pick(["grpc", "grpc", "grpc-web", connect, connect] as const);
}

/** Over either version of HTTP, where the protocol has both. */
export function encodeRpc(random: Random, protocol: RpcProtocol, request: HttpRequest): Buffer {
  return protocol === "grpc" || random.chance(0.5) ? encodeHttp2(request) : encodeHttp1(request);
}
