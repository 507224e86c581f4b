import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createContextValues,
  type Interceptor,
  type StreamRequest,
  type StreamResponse,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { createMethodUrl, runStreamingCall, runUnaryCall } from "@connectrpc/connect/protocol";
import { findTrailerError, headerGrpcMessage, headerGrpcStatus } from "@connectrpc/connect/protocol-grpc";
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { createGrpcJsChannel } from "./connections/grpc-js-channel.js";
import { toHeaders, toMetadata } from "./grpc-js-metadata.js";
import { createReadTurns } from "./grpc-js-read-turns.js";

/** Options of {@link createGrpcJsTransport}. */
export interface GrpcJsTransportOptions {
  /**
   * Target in gRPC's syntax: `host:port`, `dns:///host:port`, `unix:/path`.
   *
   * The default is `127.0.0.1:50051`, because that is where `dynakv serve` listens by default.
   */
  address?: string;
  /** The credentials of the channel. The default is none and no TLS, because that is how `dynakv serve` listens. */
  credentials?: ChannelCredentials;
  /** Options of the channel, such as `grpc.keepalive_time_ms`. The defaults are those of @grpc/grpc-js. */
  channelOptions?: ChannelOptions;
  /** Longest time that a connection may take, in milliseconds, before another channel tries it anew. The default is 6000. */
  connectTimeoutMs?: number;
  /** Path prefix of each method, such as `/kv`. The default is nothing. */
  pathPrefix?: string;
  /** Connect interceptors of every call, the first one outermost. The default is none. */
  interceptors?: Interceptor[];
}

/** A Transport of Connect that holds a channel. */
export interface GrpcJsTransport extends Transport {
  /** Closes the channel. Calls that run go on to their end; calls made later fail. */
  close(): void;
}

/** A Transport of Connect over a channel of @grpc/grpc-js. It carries any service, with any kind of method. */
export function createGrpcJsTransport(options: GrpcJsTransportOptions = {}): GrpcJsTransport {
  const open = (isAnother: boolean) =>
    new Client(options.address ?? "127.0.0.1:50051", options.credentials ?? credentials.createInsecure(), {
      ...options.channelOptions,
      // In the common pool it would find the connection again that the other one waits for.
      ...(isAnother ? { "grpc.use_local_subchannel_pool": 1 } : {}),
    });
  const channel = createGrpcJsChannel(open, options.connectTimeoutMs ?? 6000);
  const { pathPrefix = "" } = options;
  const baseUrl = channel.target + pathPrefix;

  function prepare(method: DescMethod, timeoutMs: number | undefined) {
    // As in the transports of Connect, zero and below mean no timeout at all.
    const limited = timeoutMs !== undefined && timeoutMs > 0;
    const callOptions: CallOptions = limited ? { deadline: Date.now() + timeoutMs } : {};
    return {
      url: createMethodUrl(baseUrl, method),
      callOptions,
      run: {
        ...(limited ? { timeoutMs } : {}),
        ...(options.interceptors === undefined ? {} : { interceptors: options.interceptors }),
      },
    };
  }

  return {
    async unary(method, signal, timeoutMs, header, message, contextValues = createContextValues()) {
      const { url, callOptions, run } = prepare(method, timeoutMs);
      return runUnaryCall({
        ...run,
        ...(signal === undefined ? {} : { signal }),
        req: {
          stream: false,
          service: method.parent,
          method,
          requestMethod: "POST",
          url,
          header: new Headers(header),
          contextValues,
          message,
        },
        next: async (req) => callUnary(await channel.ready(req), pathPrefix, req, callOptions),
      });
    },
    async stream(method, signal, timeoutMs, header, input, contextValues = createContextValues()) {
      const { url, callOptions, run } = prepare(method, timeoutMs);
      return runStreamingCall({
        ...run,
        ...(signal === undefined ? {} : { signal }),
        req: {
          stream: true,
          service: method.parent,
          method,
          requestMethod: "POST",
          url,
          header: new Headers(header),
          contextValues,
          message: input,
        },
        next: async (req) => callStream(await channel.ready(req), pathPrefix, req, callOptions),
      });
    },
    close: channel.close,
  };
}

function callUnary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  pathPrefix: string,
  req: UnaryRequest<I, O>,
  options: CallOptions,
): Promise<UnaryResponse<I, O>> {
  return new Promise((resolve, reject) => {
    req.signal.throwIfAborted();
    const { path, serialize, deserialize } = describeMethod(req.method, pathPrefix);
    let header = new Headers();
    let message: MessageShape<O> | undefined;
    const metadata = toMetadata(req.header);
    const call = client.makeUnaryRequest(
      path,
      serialize,
      deserialize,
      req.message,
      metadata,
      options,
      (error, value) => {
        if (error === null && value !== undefined) {
          message = value;
        } else {
          reject(error === null ? missingMessage() : toConnectError(error, header));
        }
      },
    );
    const cancel = () => call.cancel();
    req.signal.addEventListener("abort", cancel);
    call.on("metadata", (received) => {
      header = toHeaders(received);
    });
    // Comes after the callback, and alone has the trailers of a call that went well.
    call.on("status", ({ metadata: trailer }) => {
      req.signal.removeEventListener("abort", cancel);
      if (message !== undefined) {
        const { service, method } = req;
        resolve({ stream: false, service, method, header, message, trailer: toHeaders(trailer) });
      }
    });
  });
}

/**
 * Every kind of stream is called as the most general one: on the wire there is no difference, and a server that expects
 * one message gets one.
 */
async function callStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  pathPrefix: string,
  req: StreamRequest<I, O>,
  options: CallOptions,
): Promise<StreamResponse<I, O>> {
  req.signal.throwIfAborted();
  const { path, serialize, deserialize } = describeMethod(req.method, pathPrefix);
  const turns = createReadTurns();
  const call = client.makeBidiStreamRequest(path, serialize, deserialize, toMetadata(req.header), {
    ...options,
    interceptors: [turns.interceptor],
  });
  const cancel = () => {
    call.cancel();
    turns.end();
  };
  req.signal.addEventListener("abort", cancel);

  let header = new Headers();
  const ended = new Promise<StatusObject>((resolve) => {
    call.on("status", (received) => {
      req.signal.removeEventListener("abort", cancel);
      resolve(received);
    });
  });
  // The same status comes as an "error" too, which must have a listener.
  call.on("error", () => {});
  const started = new Promise<void>((resolve) => {
    call.on("metadata", (received) => {
      header = toHeaders(received);
      resolve();
    });
  });
  let inputError: unknown;
  writeMessages(call, req.message, ended).catch((error) => {
    inputError = error;
    cancel();
  });

  function throwIfFailed(received: StatusObject): void {
    if (inputError !== undefined) {
      throw inputError;
    }
    if (received.code !== status.OK) {
      throw toConnectError(received, header);
    }
  }

  const trailer = new Headers();
  const endedFirst = await Promise.race([started, ended]);
  if (endedFirst !== undefined) {
    throwIfFailed(endedFirst);
  }

  async function* readMessages(): AsyncGenerator<MessageShape<O>> {
    try {
      turns.next();
      for await (const message of call) {
        yield message;
        turns.next();
      }
    } catch {
      // The status tells more.
    }
    const received = await ended;
    throwIfFailed(received);
    for (const [name, value] of toHeaders(received.metadata)) {
      trailer.append(name, value);
    }
  }

  const { service, method } = req;
  return { stream: true, service, method, header, trailer, message: readMessages() };
}

/** Writes as fast as the server takes it, until the messages or the call end. */
async function writeMessages<T>(
  call: ClientDuplexStream<T, unknown>,
  messages: AsyncIterable<T>,
  ended: Promise<unknown>,
): Promise<void> {
  let over = false;
  let wake = (): void => {};
  void ended.then(() => {
    over = true;
    wake();
  });
  for await (const message of messages) {
    if (over) {
      return;
    }
    if (!call.write(message)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        call.once("drain", resolve);
      });
    }
  }
  call.end();
}

function describeMethod<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
  pathPrefix: string,
) {
  return {
    path: `${pathPrefix}/${method.parent.typeName}/${method.name}`,
    serialize(message: MessageShape<I>): Buffer {
      const bytes = toBinary(method.input, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    // Fields of type bytes are views of what is parsed: of a Buffer they would be Buffers.
    deserialize({ buffer, byteOffset, byteLength }: Buffer): MessageShape<O> {
      return fromBinary(method.output, new Uint8Array(buffer, byteOffset, byteLength));
    },
  };
}

/** The error that a transport of Connect would raise, with its details, from what grpc-js took off the wire. */
function toConnectError({ code, details, metadata }: StatusObject, header: Headers): ConnectError {
  const trailer = toHeaders(metadata);
  trailer.set(headerGrpcStatus, String(code));
  trailer.set(headerGrpcMessage, encodeURIComponent(details));
  const error = findTrailerError(trailer) ?? new ConnectError("protocol error: two statuses", Code.Internal, trailer);
  for (const [name, value] of header) {
    error.metadata.append(name, value);
  }
  return error;
}

function missingMessage(): ConnectError {
  return new ConnectError("protocol error: missing output message for unary method", Code.Unimplemented);
}
