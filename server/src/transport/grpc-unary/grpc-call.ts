import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";

/**
 * What a service is told of a call: the same as Connect tells, made only when it is asked for. One thing differs: the signal aborts
 * at the deadline, when the client leaves and when the server stops, but not when the call has ended well.
 */
export class GrpcCall implements HandlerContext {
  readonly protocolName = "grpc";
  readonly requestMethod = "POST";
  readonly startedAt = performance.now();
  readonly method: DescMethodUnary;
  readonly stream: ServerHttp2Stream;
  private readonly headers: IncomingHttpHeaders;
  private readonly controller = new AbortController();
  private readonly endAt: number | undefined;
  private readonly timer: NodeJS.Timeout | undefined;
  private isAnswered = false;
  private requested: Headers | undefined;
  private responded: Headers | undefined;
  private trailed: Headers | undefined;
  private contextValues: ContextValues | undefined;

  constructor(
    method: DescMethodUnary,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    timeoutMs: number | undefined,
  ) {
    this.method = method;
    this.stream = stream;
    this.headers = headers;
    if (timeoutMs !== undefined) {
      this.endAt = this.startedAt + timeoutMs;
      this.timer = setTimeout(() => {
        this.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
      }, timeoutMs);
    }
  }

  get service() {
    return this.method.parent;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** A function of its own, since Connect's is one. */
  readonly timeoutMs = (): number | undefined =>
    this.endAt === undefined ? undefined : this.endAt - performance.now();

  get url(): string {
    return `${this.headers[":scheme"] ?? "http"}://${this.headers[":authority"] ?? ""}${this.headers[":path"] ?? ""}`;
  }

  get requestHeader(): Headers {
    this.requested ??= toWebHeaders(this.headers);
    return this.requested;
  }

  get responseHeader(): Headers {
    this.responded ??= new Headers();
    return this.responded;
  }

  get responseTrailer(): Headers {
    this.trailed ??= new Headers();
    return this.trailed;
  }

  get values(): ContextValues {
    this.contextValues ??= createContextValues();
    return this.contextValues;
  }

  /** The head of the answer: what each has, and what the service has set. */
  head(): OutgoingHttpHeaders {
    return { ":status": 200, "content-type": "application/grpc+proto", ...fromWebHeaders(this.responded) };
  }

  /** The trailers of an answer that is no error. */
  trailers(): OutgoingHttpHeaders {
    return { ...fromWebHeaders(this.trailed), "grpc-status": "0" };
  }

  abort(reason: unknown): void {
    if (!this.isAnswered) {
      this.controller.abort(reason);
    }
  }

  /** The service has done its part. */
  answered(): void {
    this.isAnswered = true;
    clearTimeout(this.timer);
  }

  /** The stream is closed. Before an answer, that is a client that has left. */
  end(): void {
    if (!this.isAnswered) {
      clearTimeout(this.timer);
      this.abort(new ConnectError("the client has closed the stream", Code.Canceled));
    }
  }
}

function toWebHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(":") && value !== undefined) {
      for (const each of Array.isArray(value) ? value : [value]) {
        web.append(name, each);
      }
    }
  }
  return web;
}

export function fromWebHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  return headers === undefined ? {} : Object.fromEntries(headers);
}
