import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** One request and its response, as it came in over either version of HTTP: its head has been read, its body has not. */
export interface Exchange {
  /** The HTTP method, such as `POST`. */
  readonly method: string;
  /** The path of the URL, with its query. */
  readonly url: string;
  /** With the pseudo-headers of HTTP/2. */
  readonly headers: IncomingHttpHeaders;
  /** The bytes of the request's body as they come. */
  readonly body: Readable;
  /** The connection. One of HTTP/2 carries many exchanges, and is the same object for all of them. */
  readonly socket: Socket;
  /** The stream of HTTP/2, as long as nobody has called {@link open}; undefined for HTTP/1.1. */
  readonly stream: ServerHttp2Stream | undefined;
  /** True if the request has ended with its head. Known of HTTP/2 only. */
  readonly endsWithHead: boolean;
  /**
   * Node's request and response, for code that is written for both versions of HTTP. They are made of a stream only when they
   * are asked for: that costs as much as all of a small call. Undefined when Node makes none, as for CONNECT.
   */
  open(): { readonly request: NodeRequest; readonly response: NodeResponse } | undefined;
  /** Writes a whole response, unless the client has left. */
  respond(status: number, headers: OutgoingHttpHeaders, body?: Uint8Array): void;
  /** True if the head of a response was sent. */
  readonly headersSent: boolean;
  /** Ends it in the middle: over HTTP/2 by a reset with ENHANCE_YOUR_CALM, which gRPC reads as RESOURCE_EXHAUSTED. */
  abandon(): void;
  /**
   * Calls back once the exchange is over: with whether its response was written whole, by `respond` or to what `open` gave. Who
   * writes to the stream itself knows that better.
   */
  onClose(listener: (isAnswered: boolean) => void): void;
}

/** An exchange over HTTP/1.1. */
export class RequestExchange implements Exchange {
  readonly stream = undefined;
  readonly endsWithHead = false;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get method(): string {
    return this.request.method ?? "";
  }

  get url(): string {
    return this.request.url ?? "";
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  get body(): Readable {
    return this.request;
  }

  get socket(): Socket {
    return this.request.socket;
  }

  open() {
    return { request: this.request, response: this.response };
  }

  respond(status: number, headers: OutgoingHttpHeaders, body?: Uint8Array): void {
    respondBy(this.response, status, headers, body);
  }

  get headersSent(): boolean {
    return this.response.headersSent;
  }

  abandon(): void {
    this.request.socket.destroy();
  }

  onClose(listener: (isAnswered: boolean) => void): void {
    const { response } = this;
    response.once("close", () => listener(isWhole(response)));
  }
}

/** Makes Node's request and response of a stream. */
export type OpenStream = () => { readonly request: NodeRequest; readonly response: NodeResponse } | undefined;

/** An exchange over HTTP/2. */
export class StreamExchange implements Exchange {
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly endsWithHead: boolean;
  private readonly unopened: ServerHttp2Stream;
  private readonly openStream: OpenStream;
  private opened: ReturnType<OpenStream>;
  private hasResponded = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    socket: Socket,
    endsWithHead: boolean,
    openStream: OpenStream,
  ) {
    this.unopened = stream;
    this.headers = headers;
    this.socket = socket;
    this.endsWithHead = endsWithHead;
    this.openStream = openStream;
  }

  get method(): string {
    return String(this.headers[":method"] ?? "");
  }

  get url(): string {
    return String(this.headers[":path"] ?? "");
  }

  get body(): Readable {
    return this.unopened;
  }

  get stream(): ServerHttp2Stream | undefined {
    return this.opened === undefined ? this.unopened : undefined;
  }

  open() {
    this.opened ??= this.openStream();
    return this.opened;
  }

  respond(status: number, headers: OutgoingHttpHeaders, body?: Uint8Array): void {
    if (this.opened !== undefined) {
      respondBy(this.opened.response, status, headers, body);
      return;
    }
    const stream = this.unopened;
    if (stream.closed || stream.destroyed || stream.headersSent) {
      return;
    }
    try {
      this.hasResponded = true;
      stream.respond({ ":status": status, ...headers }, { endStream: body === undefined });
      if (body !== undefined) {
        stream.end(body);
      }
    } catch {
      // Its session has just ended, and the stream does not show it yet.
      stream.destroy();
    }
  }

  get headersSent(): boolean {
    return this.unopened.headersSent;
  }

  abandon(): void {
    const stream = this.unopened;
    // Not at once: what others send may have led here, and a reset while Node (20, and 22 before nodejs/node#64166) reads frames of the
    // same session can free what it still uses.
    setImmediate(() => {
      if (!stream.destroyed) {
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    });
  }

  onClose(listener: (isAnswered: boolean) => void): void {
    // A stream that is reset counts as ended and finished, too.
    this.unopened.once("close", () => {
      listener(this.opened === undefined ? this.hasResponded : isWhole(this.opened.response));
    });
  }
}

function respondBy(response: NodeResponse, status: number, headers: OutgoingHttpHeaders, body?: Uint8Array): void {
  if (response.headersSent || response.destroyed) {
    return;
  }
  try {
    (response as ServerResponse).writeHead(status, headers);
    (response as ServerResponse).end(body);
  } catch {
    // Its session has just ended, and the response does not show it yet.
    response.destroy();
  }
}

/** Node counts an HTTP/2 response that was cut off as finished, and an HTTP/1.1 one that was never sent as ended: it takes both to tell. */
function isWhole(writable: { readonly writableEnded: boolean; readonly writableFinished: boolean }): boolean {
  return writable.writableEnded && writable.writableFinished;
}

/** Prepares a response for any writer. */
export function prepareResponse(response: NodeResponse): void {
  // Failures surface in the call; without a listener the event would crash the process.
  response.on("error", () => {});
  // A write that waits for "drain" waits forever once the client has left, and the generator behind it is never
  // resumed. Woken by this, connect-node writes once more, fails, and ends the generator.
  response.once("close", () => response.emit("drain"));
}
