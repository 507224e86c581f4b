import * as http from "node:http";
import * as https from "node:https";
import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  type ConnectTransportOptions,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { createDynakvClient, type DynakvClient } from "./dynakv-client.js";

/** Options of {@link createClient}. */
export interface ClientOptions {
  /**
   * Where the server is, such as `https://kv.example.com`. With `http:` and HTTP/2 the client speaks HTTP/2 without TLS and
   * without an upgrade, which a dynakv server understands on its one port.
   *
   * The default is `http://127.0.0.1:50051`, because that is where `dynakv serve` listens by default.
   */
  baseUrl?: string;
  /**
   * The protocol to speak. A dynakv server speaks all three, and a call means the same in each.
   *
   * The default is `connect`, because a unary call costs client and server about half the CPU of the other two, and because
   * it needs no HTTP trailers, which some proxies drop. Choose `grpc` when what lies in between routes or measures gRPC.
   */
  protocol?: "connect" | "grpc" | "grpc-web";
  /**
   * The version of HTTP. The default is `2`, because one connection then carries any number of calls. Choose `1.1` when a
   * proxy in between does not speak HTTP/2: each running call then has a connection. gRPC exists in HTTP/2 only.
   */
  httpVersion?: "1.1" | "2";
  /** What every call passes through, the first one outermost: to add a header, to measure, to log. The default is none. */
  interceptors?: Interceptor[];
  /**
   * The deadline of a call that sets no `timeoutMs`, in milliseconds; it is sent along, and the server stops working when
   * it has passed. `timeoutMs: 0` lifts it for one call.
   *
   * The default is none, because mGet may rightly take minutes, and because the server sets a deadline of its own for
   * unary calls (`getInfo` tells it). Set one where the network may fall silent.
   */
  defaultTimeoutMs?: number;
  /**
   * The transport to use instead of one made from the options above, which are then ignored: for TLS certificates of your
   * own, compression, another runtime's fetch, or a test without a network. `close` does not close it.
   */
  transport?: Transport;
}

/**
 * How much one connection may have on its way, in megabytes. With Node's default of 10, a message that is larger and was
 * refused before it was sent whole would make the connection refuse all answers from then on.
 */
const sessionMegabytes = 1024;

/** A client that speaks the Connect, gRPC or gRPC-web protocol, with Node's own HTTP. It connects with its first call. */
export function createClient(options: ClientOptions = {}): DynakvClient {
  if (options.transport !== undefined) {
    return createDynakvClient(options.transport, () => {});
  }
  const { baseUrl = "http://127.0.0.1:50051", protocol = "connect", httpVersion = "2" } = options;
  const shared = {
    baseUrl,
    // Values are opaque, and often compressed already by who wrote them; gzip costs several times what the rest of a call does.
    acceptCompression: [],
    ...(options.interceptors === undefined ? {} : { interceptors: options.interceptors }),
    ...(options.defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs: options.defaultTimeoutMs }),
  };
  // A connection of the client's own, so that closing one client leaves the others alone.
  if (httpVersion === "2") {
    const sessionManager = new Http2SessionManager(baseUrl, undefined, { maxSessionMemory: sessionMegabytes });
    const transport = createHttp2Transport(protocol, { ...shared, httpVersion, sessionManager });
    return createDynakvClient(transport, () => {
      sessionManager.abort();
      // A call that was about to use the connection has opened another by then.
      setImmediate(() => sessionManager.abort());
    });
  }
  if (protocol === "grpc") {
    throw new TypeError(`protocol "grpc" needs httpVersion "2", not "${httpVersion}"`);
  }
  const { Agent } = new URL(baseUrl).protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true });
  const createTransport = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
  return createDynakvClient(createTransport({ ...shared, httpVersion, nodeOptions: { agent } }), () => agent.destroy());
}

function createHttp2Transport(
  protocol: "connect" | "grpc" | "grpc-web",
  options: ConnectTransportOptions & { httpVersion: "2" },
): Transport {
  switch (protocol) {
    case "connect":
      return createConnectTransport(options);
    case "grpc":
      return createGrpcTransport(options);
    case "grpc-web":
      return createGrpcWebTransport(options);
  }
}
