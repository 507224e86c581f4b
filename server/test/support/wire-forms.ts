import { once } from "node:events";
import { type ClientRequestArgs, request as requestHttp } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import { create, type DescMethod, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { codeFromString } from "@connectrpc/connect/protocol-connect";

/** One way to write a call on the wire. */
export interface WireForm {
  readonly name: string;
  readonly http: 1 | 2;
  readonly kinds: readonly DescMethod["methodKind"][];
  readonly headers: Readonly<Record<string, string>>;
  /** The body of a request, or for Connect's GET the query. */
  encode(method: DescMethod, message: MessageInitShape<DescMethod["input"]>): Uint8Array | string;
}

type Encode = WireForm["encode"];
const binary: Encode = (method, message) => toBinary(method.input, create(method.input, message));
const json: Encode = (method, message) => toJsonString(method.input, create(method.input, message));
const enveloped: Encode = (method, message) => encodeEnvelope(0, binary(method, message) as Uint8Array);
const gzipped: Encode = (method, message) => encodeEnvelope(1, gzipSync(binary(method, message)));
const envelopedJson: Encode = (method, message) => encodeEnvelope(0, Buffer.from(json(method, message)));
const query: Encode = (method, message) =>
  `?connect=v1&encoding=json&message=${encodeURIComponent(json(method, message) as string)}`;

function form(
  name: string,
  http: 1 | 2,
  kinds: WireForm["kinds"],
  contentType: string | undefined,
  encode: Encode,
  headers: Record<string, string> = {},
): WireForm {
  return {
    name,
    http,
    kinds,
    headers: { ...(contentType === undefined ? {} : { "content-type": contentType }), ...headers },
    encode,
  };
}

const unary = ["unary"] as const;
const streaming = ["server_streaming", "bidi_streaming"] as const;
const any = ["unary", ...streaming] as const;

/** Every way in which dynakv takes calls. */
export const wireForms: readonly WireForm[] = [
  form("gRPC", 2, any, "application/grpc", enveloped, { te: "trailers" }),
  form("gRPC, compressed", 2, any, "application/grpc+proto", gzipped, { te: "trailers", "grpc-encoding": "gzip" }),
  form("gRPC-web", 2, any, "application/grpc-web+proto", enveloped),
  form("gRPC-web over HTTP/1.1", 1, ["unary", "server_streaming"], "application/grpc-web+proto", enveloped),
  form("Connect", 2, unary, "application/proto", binary),
  form("Connect over HTTP/1.1", 1, unary, "application/proto", binary),
  form("JSON", 2, unary, "application/json", json),
  form("JSON over HTTP/1.1", 1, unary, "application/json", json),
  form("Connect GET", 1, unary, undefined, query),
  form("Connect streaming", 2, streaming, "application/connect+proto", enveloped),
  form("Connect streaming, JSON, over HTTP/1.1", 1, ["server_streaming"], "application/connect+json", envelopedJson),
  form("lines of JSON", 1, ["server_streaming"], "application/json", json),
  form("lines of JSON over HTTP/2", 2, ["server_streaming"], "application/json", json),
];

export interface WireCall {
  readonly url: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Undefined sends the head alone: the body is announced, and never comes. */
  readonly body: Uint8Array | string | undefined;
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  /** The address of this machine to call from. */
  readonly from?: string;
}

export interface WireAnswer {
  /** `ok`, or the name of the code. */
  readonly code: string;
  readonly message: string;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Makes a call on a connection of its own, and reads what it is answered as its protocol has it. */
export async function sendForm(form: WireForm, call: WireCall): Promise<WireAnswer> {
  const isGet = form.headers["content-type"] === undefined;
  const sent = { ...call, headers: { ...form.headers, ...call.headers } };
  const answering = form.http === 2 ? sendHttp2(sent) : sendHttp1(sent, isGet);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("was not answered before its body was sent")), patienceMs);
  });
  return readAnswer(await Promise.race([answering, silence]).finally(() => clearTimeout(timer)));
}

/** Long enough for an answer that waits for nothing, on any machine. */
const patienceMs = 20_000;

async function sendHttp2({ url, path, headers, body, tls, from }: WireCall): Promise<RawAnswer> {
  const { hostname: host, port } = new URL(url);
  const to = { host, port: Number(port), ...(from === undefined ? {} : { localAddress: from }) };
  const socket = tls === undefined ? connectTcp(to) : connectTls({ ...to, ...tls, ALPNProtocols: ["h2"] });
  const session = connectHttp2(url, { createConnection: () => socket });
  try {
    return await new Promise<RawAnswer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":method": "POST", ":path": path, ...headers }, { endStream: false });
      let head: IncomingHttpHeaders & { ":status"?: number | undefined } = {};
      let trailers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on("response", (fields) => {
        head = fields;
      });
      stream.on("trailers", (fields) => {
        trailers = fields;
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () =>
        resolve({ status: head[":status"] ?? 0, headers: head, trailers, body: Buffer.concat(chunks) }),
      );
      if (body !== undefined) {
        stream.end(body);
      }
    });
  } finally {
    session.destroy();
  }
}

async function sendHttp1({ url, path, headers, body, tls, from }: WireCall, isGet: boolean): Promise<RawAnswer> {
  const { hostname: host, port } = new URL(url);
  const options: ClientRequestArgs = {
    host,
    port,
    path: isGet ? `${path}${body ?? "?connect=v1"}` : path,
    method: isGet ? "GET" : "POST",
    headers: {
      ...headers,
      ...(isGet ? {} : { "content-length": `${body === undefined ? 1000 : Buffer.byteLength(body)}` }),
    },
    agent: false,
    ...(from === undefined ? {} : { localAddress: from }),
  };
  const request = tls === undefined ? requestHttp(options) : requestHttps({ ...options, ...tls });
  try {
    request.flushHeaders();
    if (isGet || body !== undefined) {
      request.end(isGet ? undefined : body);
    }
    const [response] = await once(request, "response");
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
    }
    const { statusCode: status, headers: head, trailers } = response;
    return { status, headers: head, trailers, body: Buffer.concat(chunks) };
  } finally {
    request.destroy();
  }
}

function readAnswer({ status, headers, trailers, body }: RawAnswer): WireAnswer {
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/grpc-web")) {
    const last = envelopes(body).find(({ flags }) => flags === 0x80);
    const fields = new Map(
      (last?.data.toString() ?? "").split("\r\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
    );
    return grpcAnswer(fields.get("grpc-status"), fields.get("grpc-message"));
  }
  if (type.startsWith("application/grpc")) {
    const fields = { ...headers, ...trailers };
    return grpcAnswer(fields["grpc-status"], fields["grpc-message"]);
  }
  if (type.startsWith("application/connect+")) {
    const last = envelopes(body).find(({ flags }) => flags === 2);
    return jsonAnswer((JSON.parse(last?.data.toString() ?? "{}") as { error?: JsonError }).error);
  }
  if (status !== 200) {
    return type === "application/json"
      ? jsonAnswer(JSON.parse(body.toString()) as JsonError)
      : { code: `HTTP ${status}`, message: body.toString() };
  }
  return { code: "ok", message: "" };
}

interface JsonError {
  readonly code?: string;
  readonly message?: string;
}

function jsonAnswer(error: JsonError | undefined): WireAnswer {
  const code = error === undefined ? undefined : codeFromString(error.code ?? "");
  return { code: error === undefined ? "ok" : Code[code ?? Code.Unknown], message: error?.message ?? "" };
}

function grpcAnswer(status: unknown, message: unknown): WireAnswer {
  const code = Number(status ?? Number.NaN);
  return { code: code === 0 ? "ok" : (Code[code] ?? "no status"), message: decodeURIComponent(String(message ?? "")) };
}

function envelopes(body: Buffer): { readonly flags: number; readonly data: Buffer }[] {
  const found = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    found.push({ flags: body[at] ?? 0, data: body.subarray(at + 5, end) });
    at = end;
  }
  return found;
}
