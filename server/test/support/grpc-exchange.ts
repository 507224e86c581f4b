import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";

/** A gRPC request as no client would write it. */
export interface GrpcRequest {
  /** Such as `/grpc.health.v1.Health/Check`. */
  readonly path: string;
  readonly contentType: string;
  readonly headers?: Record<string, string>;
  /** What is sent, envelopes included, in as many pieces. */
  readonly body: readonly Uint8Array[];
  /** Whether the request is left unfinished, until there is an answer. */
  readonly unfinished?: boolean;
}

/** All that came back of it. */
export interface GrpcAnswer {
  readonly head: Record<string, unknown>;
  readonly body: string;
  readonly trailers: Record<string, unknown>;
  readonly resetCode: number | undefined;
}

export function startExchange(session: ClientHttp2Session, request: GrpcRequest): ClientHttp2Stream {
  const { path, contentType, headers, body, unfinished } = request;
  const stream = session.request(
    { ":method": "POST", ":path": path, "content-type": contentType, te: "trailers", ...headers },
    { endStream: false },
  );
  for (const piece of body) {
    stream.write(piece);
  }
  if (unfinished !== true) {
    stream.end();
  }
  return stream;
}

export function exchange(session: ClientHttp2Session, request: GrpcRequest): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const stream = startExchange(session, request);
    let head: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (fields) => {
      head = plain(fields);
    });
    stream.on("trailers", (fields) => {
      trailers = plain(fields);
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => stream.end());
    stream.on("error", reject);
    stream.on("close", () => {
      const { rstCode } = stream;
      const resetCode = rstCode === constants.NGHTTP2_NO_ERROR ? undefined : rstCode;
      resolve({ head, body: Buffer.concat(chunks).toString("hex"), trailers, resetCode });
    });
  });
}

/** Without what differs from one answer to the next. */
function plain(fields: IncomingHttpHeaders): Record<string, unknown> {
  const { date: _, ...rest } = fields;
  return { ...rest };
}
