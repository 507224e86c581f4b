import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  type ConnectTransportOptions,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { defaultAddress } from "../../common/default-address.js";
import { checkAddress } from "./address.js";
import { type Checks, checkOptions, oneOf, text } from "./arguments/checks.js";
import {
  interceptors as checkInterceptors,
  tls as checkTls,
  transport as checkTransport,
  sharedOptions,
} from "./arguments/client-options.js";
import { createClientOver, type DynakvClient } from "./client.js";
import { withDirectGrpc } from "./connections/direct-grpc-transport.js";
import { explainScheme } from "./connections/explain-no-connection.js";
import { createHttp1Connections, type Http1Connections } from "./connections/http1-connections.js";
import { createHttp2Connections, type Http2Connections } from "./connections/http2-connections.js";
import type { SharedOptions } from "./shared-options.js";
import { toSilence } from "./silence.js";
import type { TlsOptions } from "./tls-options.js";
import { noteSent, noteUnsent } from "./unsent.js";

/** Options of {@link createClient}. */
export interface ClientOptions extends SharedOptions {
  /**
   * Address of the server, such as `https://kv.example.com`. With `http:` and HTTP/2 the client speaks HTTP/2 without TLS and
   * without an upgrade, which a dynakv server understands on its one port.
   *
   * The default is `http://127.0.0.1:50051`, because that is where `dynakv serve` listens by default.
   */
  readonly address?: string | undefined;
  /** Certificates of your own, for an `https:` address. The default trusts the authorities that Node trusts. */
  readonly tls?: TlsOptions | undefined;
  /**
   * The protocol to speak. A dynakv server speaks all three, and a call means the same in each.
   *
   * The default is `grpc`, because a unary call of it costs client and server about half the CPU of the other two. With HTTP/1.1,
   * which cannot carry it, the default is `connect`. Choose `connect` also when what lies in between drops HTTP trailers.
   */
  readonly protocol?: "connect" | "grpc" | "grpc-web" | undefined;
  /**
   * The version of HTTP. The default is `2`, because one connection then carries any number of calls. Choose `1.1` when a
   * proxy in between does not speak HTTP/2: each running call then has a connection. gRPC exists in HTTP/2 only.
   */
  readonly httpVersion?: "1.1" | "2" | undefined;
  /**
   * Interceptors of every attempt, the first one outermost: those of Connect, such as those of
   * `@connectrpc/connect-otel`, to trace, to measure, to log. The default is none.
   */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * The transport to use instead of one made from `address`, `tls`, `protocol`, `httpVersion` and `interceptors`: for
   * compression, another runtime's fetch, or a test without a network. `close` does not close it.
   */
  readonly transport?: Transport | undefined;
}

/**
 * Node's `maxSessionMemory` of one connection, in megabytes. With Node's default of 10, a message that is larger and was
 * refused before it was sent whole would make the connection refuse all answers from then on.
 */
const sessionMegabytes = 1024;

const optionChecks: Checks<ClientOptions> = {
  ...sharedOptions,
  address: text,
  tls: checkTls,
  protocol: oneOf("connect", "grpc", "grpc-web"),
  httpVersion: oneOf("1.1", "2"),
  interceptors: checkInterceptors,
  transport: checkTransport,
};

/** A client that speaks the Connect, gRPC or gRPC-web protocol, with Node's own HTTP. It connects with its first call. */
export function createClient(given: ClientOptions = {}): DynakvClient {
  const options = checkOptions("createClient", given, optionChecks);
  if (options.transport !== undefined) {
    return createClientOver(options.transport, options, () => {});
  }
  const { address = defaultAddress, tls, httpVersion = "2", interceptors = [] } = options;
  const { protocol = httpVersion === "2" ? "grpc" : "connect" } = options;
  const { protocol: scheme, pathPrefix } = checkAddress(address, options);
  const silence = toSilence(options.keepAlive);
  const shared = {
    baseUrl: address,
    // Values are opaque, and often compressed already by who wrote them; gzip costs several times what the rest of a call does.
    acceptCompression: [],
  };
  // A connection of the client's own, so that closing one client leaves the others alone.
  if (httpVersion === "2") {
    const connections = createHttp2Connections(address, silence, { maxSessionMemory: sessionMegabytes, ...tls });
    const byConnect = createHttp2Transport(protocol, {
      ...shared,
      httpVersion,
      sessionManager: connections,
      interceptors: [...interceptors, awaitConnection(connections)],
    });
    // Interceptors are Connect's, and stand in its own pipeline.
    const isDirect = protocol === "grpc" && interceptors.length === 0;
    const transport = isDirect ? withDirectGrpc(byConnect, connections, pathPrefix) : byConnect;
    return createClientOver(transport, options, connections.close);
  }
  if (protocol === "grpc") {
    throw new TypeError(`protocol "grpc" needs httpVersion "2", not "${httpVersion}"`);
  }
  const connections = createHttp1Connections(scheme, silence, tls);
  const createTransport = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
  const transport = createTransport({
    ...shared,
    httpVersion,
    nodeOptions: { agent: connections.agent },
    interceptors: [...interceptors, explainScheme(scheme), noteBeginning(connections)],
  });
  return createClientOver(transport, options, () => connections.agent.destroy(), {
    afterMs: silence.intervalMs + silence.timeoutMs,
    // They lead to the same place.
    onSilence: connections.closeIdle,
  });
}

/** Has a request wait for a connection before it is made, so that it is known of one which was never sent. */
function awaitConnection(connections: Http2Connections): Interceptor {
  return (next) => async (request) => {
    if (!request.stream && !connections.isReady()) {
      noteUnsent(request.message);
      await connections.ready(request.signal);
      noteSent(request.message);
    }
    return next(request);
  };
}

function noteBeginning(connections: Http1Connections): Interceptor {
  return (next) => (request) => {
    if (!request.stream) {
      connections.begin(request.message);
    }
    return next(request);
  };
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
