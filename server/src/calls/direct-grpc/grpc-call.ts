import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { DescMethodServerStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import { toWebHeaders } from "../../../../common/node-headers.js";
import type { Call } from "../call.js";
import { requestIdHeader } from "../header-names.js";

/**
 * HandlerContext of a call, as Connect's, built lazily. One thing differs: the signal aborts
 * at the deadline, when the client leaves and when the server stops, but not when the call has ended well.
 */
export class GrpcCall implements HandlerContext {
  readonly protocolName = "grpc";
  readonly requestMethod = "POST";
  readonly call: Call;
  readonly stream: ServerHttp2Stream;
  private readonly controller = new AbortController();
  private readonly endAt: number | undefined;
  private readonly timer: NodeJS.Timeout | undefined;
  private isAnswered = false;
  private requested: Headers | undefined;
  private responded: Headers | undefined;
  private trailed: Headers | undefined;
  private contextValues: ContextValues | undefined;

  constructor(call: Call, stream: ServerHttp2Stream) {
    this.call = call;
    this.stream = stream;
    const { timeoutMs } = call;
    if (timeoutMs !== undefined) {
      this.endAt = call.startedAt + timeoutMs;
      this.timer = setTimeout(() => {
        this.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
      }, this.endAt - performance.now());
    }
  }

  get method(): DescMethodUnary | DescMethodServerStreaming {
    return this.call.method as DescMethodUnary | DescMethodServerStreaming;
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
    const { headers } = this.call;
    return `${headers[":scheme"] ?? "http"}://${headers[":authority"] ?? ""}${headers[":path"] ?? ""}`;
  }

  get requestHeader(): Headers {
    this.requested ??= toWebHeaders(this.call.headers);
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
    this.contextValues ??= this.call.contextValues();
    return this.contextValues;
  }

  /** The head of the answer: what each has, and what the service has set. */
  head(): OutgoingHttpHeaders {
    const { sentId } = this.call;
    return {
      ":status": 200,
      "content-type": "application/grpc+proto",
      ...(sentId !== undefined && { [requestIdHeader]: sentId }),
      ...fromWebHeaders(this.responded),
    };
  }

  /** The trailers of an answer that is no error. */
  trailers(): OutgoingHttpHeaders {
    return { ...fromWebHeaders(this.trailed), ...this.call.trailers?.(), "grpc-status": "0" };
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
    this.call.answer();
  }

  /** The call has ended. Before an answer, its client has left. */
  end(): void {
    if (!this.isAnswered) {
      clearTimeout(this.timer);
      this.abort(new ConnectError("the client has closed the stream", Code.Canceled));
    }
  }
}

export function fromWebHeaders(headers: Headers | undefined): OutgoingHttpHeaders {
  return headers === undefined ? {} : Object.fromEntries(headers);
}
