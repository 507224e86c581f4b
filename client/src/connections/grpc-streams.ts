import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { envelopeBytes } from "../../../common/envelope.js";
import { toWebHeaders } from "../../../common/node-headers.js";
import type { ByteStream } from "../byte-streams.js";
import { type AnswerHead, checkStatus, closedError, isForeign } from "./grpc-answers.js";
import type { Http2Connections } from "./http2-connections.js";

/** A message that announces more than this is gathered in pieces: nobody has to believe it. */
const mostAtOnce = 8 * 1024 * 1024;

/** Opens a stream of gRPC, and resolves once its server has begun to answer. */
export async function openByteStream(
  connections: Http2Connections,
  path: string,
  headers: OutgoingHttpHeaders,
  frame: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ByteStream> {
  signal?.throwIfAborted();
  const stream = await connections.request("POST", path, headers, {});
  const reader = new StreamReader(stream, connections, signal);
  if (!signal?.aborted) {
    stream.end(frame);
  }
  await reader.begun();
  return {
    header: () => toWebHeaders(reader.head),
    trailer: () => toWebHeaders(reader.trailers ?? {}),
    messages: reader,
  };
}

/** The messages of one stream. While one waits to be taken, no more are read. */
class StreamReader implements AsyncIterable<Buffer>, AsyncIterator<Buffer> {
  head: AnswerHead = {};
  trailers: AnswerHead | undefined;
  private readonly stream: ClientHttp2Stream;
  private readonly signal: AbortSignal | undefined;
  private readonly ready: Buffer[] = [];
  private wake: (() => void) | undefined;
  private failure: { readonly error: unknown } | undefined;
  private isOver = false;
  /** The envelope that is coming: its first bytes, or its message as far as it has come. */
  private readonly prefix = Buffer.alloc(envelopeBytes);
  private prefixLength = 0;
  private message: Buffer | undefined;
  private pieces: Buffer[] = [];
  private length = 0;
  private received = 0;

  constructor(stream: ClientHttp2Stream, connections: Http2Connections, signal: AbortSignal | undefined) {
    this.stream = stream;
    this.signal = signal;
    stream.on("response", (fields) => {
      this.head = fields;
      this.wake?.();
    });
    stream.on("trailers", (fields) => {
      this.trailers = fields;
    });
    stream.on("data", (chunk: Buffer) => {
      connections.notifyResponseByteRead(stream);
      try {
        this.take(chunk);
      } catch (error) {
        this.fail(error);
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
    stream.on("end", () => this.finish());
    stream.on("error", (error) => {
      // A connection that is given up on this side says why.
      this.fail(
        error instanceof ConnectError
          ? error
          : new ConnectError(error.message, Code.Internal, undefined, undefined, error),
      );
    });
    stream.on("close", () => {
      if (!this.isOver) {
        this.fail(closedError(stream.rstCode));
      }
    });
    signal?.addEventListener("abort", this.cancel);
    if (signal?.aborted) {
      this.cancel();
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves once there is a head, or nothing else will come. */
  async begun(): Promise<void> {
    while (this.head[":status"] === undefined && !this.isOver) {
      await this.somethingNew();
    }
    if (this.head[":status"] === undefined && this.failure !== undefined) {
      throw this.failure.error;
    }
  }

  async next(): Promise<IteratorResult<Buffer>> {
    for (;;) {
      const value = this.ready.shift();
      if (value !== undefined) {
        if (this.ready.length === 0) {
          this.stream.resume();
        }
        return { done: false, value };
      }
      if (this.failure !== undefined) {
        throw this.failure.error;
      }
      if (this.isOver) {
        return { done: true, value: undefined };
      }
      await this.somethingNew();
    }
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.leave();
    return { done: true, value: undefined };
  }

  private leave(): void {
    this.signal?.removeEventListener("abort", this.cancel);
    this.isOver = true;
    this.ready.length = 0;
    if (!this.stream.closed) {
      this.stream.close(constants.NGHTTP2_CANCEL);
    }
    this.stream.resume();
  }

  private readonly cancel = () => {
    this.fail(this.signal?.reason);
    this.leave();
  };

  private somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private fail(error: unknown): void {
    if (!this.isOver) {
      this.signal?.removeEventListener("abort", this.cancel);
      this.failure = { error };
      this.isOver = true;
      this.wake?.();
    }
  }

  private finish(): void {
    const { head, trailers } = this;
    // A lost connection ends its streams too, with what has come by then.
    if (head[":status"] === undefined || (trailers === undefined && !("grpc-status" in head) && !isForeign(head))) {
      return;
    }
    try {
      checkStatus(head, trailers);
      if (this.prefixLength > 0) {
        throw new ConnectError("protocol error: premature end of a message", Code.Internal);
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    this.signal?.removeEventListener("abort", this.cancel);
    this.isOver = true;
    this.wake?.();
  }

  private take(chunk: Buffer): void {
    // A proxy's error page has no gRPC status.
    if (this.isOver || isForeign(this.head)) {
      return;
    }
    for (let at = 0; at < chunk.length; ) {
      if (this.prefixLength < envelopeBytes) {
        const end = Math.min(chunk.length, at + envelopeBytes - this.prefixLength);
        this.prefixLength += chunk.copy(this.prefix, this.prefixLength, at, end);
        at = end;
        if (this.prefixLength === envelopeBytes) {
          this.beginMessage();
        }
      }
      if (this.prefixLength === envelopeBytes) {
        const end = Math.min(chunk.length, at + this.length - this.received);
        this.add(chunk, at, end);
        at = end;
      }
    }
  }

  private beginMessage(): void {
    if (this.prefix[0] !== 0) {
      throw new ConnectError("protocol error: a compressed message that was not asked for", Code.Internal);
    }
    this.length = this.prefix.readUInt32BE(1);
    this.received = 0;
    this.message = this.length <= mostAtOnce ? Buffer.allocUnsafeSlow(this.length) : undefined;
  }

  private add(chunk: Buffer, from: number, to: number): void {
    if (this.message === undefined) {
      this.pieces.push(chunk.subarray(from, to));
    } else {
      chunk.copy(this.message, this.received, from, to);
    }
    this.received += to - from;
    if (this.received === this.length) {
      this.ready.push(this.message ?? Buffer.concat(this.pieces));
      this.message = undefined;
      this.pieces = [];
      this.prefixLength = 0;
      this.stream.pause();
      this.wake?.();
    }
  }
}
