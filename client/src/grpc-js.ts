import type { Interceptor } from "@connectrpc/connect";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { defaultAddress } from "../../common/default-address.js";
import { checkAddress, isLoopback, refuseOpenToken } from "./address.js";
import { type Checks, checkOptions, nonEmptyText, objectWith } from "./arguments/checks.js";
import { interceptors as checkInterceptors, tls as checkTls, sharedOptions } from "./arguments/client-options.js";
import { createClientOver, type DynakvClient } from "./client.js";
import { explainScheme } from "./connections/explain-no-connection.js";
import { createGrpcJsTransport } from "./grpc-js-transport.js";
import type { SharedOptions } from "./shared-options.js";
import { toSilence } from "./silence.js";
import type { TlsOptions } from "./tls-options.js";

export { createGrpcJsTransport, type GrpcJsTransport, type GrpcJsTransportOptions } from "./grpc-js-transport.js";
export * from "./shared.js";
export type { TlsOptions } from "./tls-options.js";

/** Options of the client over @grpc/grpc-js. */
export interface GrpcJsClientOptions extends SharedOptions {
  /**
   * Address of the server: a URL such as `https://kv.example.com`, or a target as gRPC names it, `dns:///host:port`,
   * `unix:/path` or `host:port`, which is spoken to without TLS unless `tls` or `credentials` are given.
   *
   * The default is `http://127.0.0.1:50051`, because that is where `dynakv serve` listens by default.
   */
  readonly address?: string | undefined;
  /** Certificates of your own. The default trusts the authorities that @grpc/grpc-js trusts, for an `https:` address. */
  readonly tls?: TlsOptions | undefined;
  /** The credentials of the channel, in place of `tls`. */
  readonly credentials?: ChannelCredentials | undefined;
  /**
   * Options of the channel, such as its service config. By default it pings the server while a call waits, and tries to
   * connect again within a second.
   */
  readonly channelOptions?: ChannelOptions | undefined;
  /** Interceptors of every attempt, the first one outermost: those of Connect. The default is none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

const channelDefaults: ChannelOptions = {
  // As patient as the retries of calls: a server that was restarted is found again as soon as the next of them.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
};

const optionChecks: Checks<GrpcJsClientOptions> = {
  ...sharedOptions,
  address: nonEmptyText,
  tls: checkTls,
  credentials: objectWith<ChannelCredentials>("credentials of @grpc/grpc-js"),
  channelOptions: objectWith<ChannelOptions>("an object"),
  interceptors: checkInterceptors,
};

/**
 * The client of `@dynakv/client`, over a channel of @grpc/grpc-js: with its name resolution, load balancing, credentials
 * and service config. It connects with its first call.
 */
export function createClient(given: GrpcJsClientOptions = {}): DynakvClient {
  const options = checkOptions("createClient", given, optionChecks);
  const { interceptors = [], channelOptions } = options;
  const { target, isEncrypted, pathPrefix } = toTarget(options);
  const { intervalMs, timeoutMs } = toSilence(options.keepAlive);
  const transport = createGrpcJsTransport({
    address: target,
    credentials: options.credentials ?? (isEncrypted ? createSsl(options.tls) : credentials.createInsecure()),
    channelOptions: {
      ...channelDefaults,
      "grpc.keepalive_time_ms": intervalMs,
      "grpc.keepalive_timeout_ms": timeoutMs,
      ...channelOptions,
    },
    pathPrefix,
    connectTimeoutMs: intervalMs + timeoutMs,
    interceptors: [...interceptors, explainScheme(isEncrypted ? "https:" : "http:")],
  });
  return createClientOver(transport, options, () => transport.close());
}

interface Target {
  readonly target: string;
  readonly isEncrypted: boolean;
  readonly pathPrefix: string;
}

function toTarget(options: GrpcJsClientOptions): Target {
  const { address = defaultAddress, tls } = options;
  if (/^https?:/.test(address)) {
    const { protocol, hostname, port, pathPrefix } = checkAddress(address, options);
    const isEncrypted = protocol === "https:";
    return { target: `${hostname}:${port || (isEncrypted ? 443 : 80)}`, isEncrypted, pathPrefix };
  }
  const isEncrypted = tls !== undefined;
  const staysHere = address.startsWith("unix:") || isLoopback(address.replace(/^.*\//, "").replace(/:\d+$/, ""));
  if (!isEncrypted && options.credentials === undefined && !staysHere) {
    refuseOpenToken(options, address, "set tls, credentials, or an https: address");
  }
  return { target: address, isEncrypted, pathPrefix: "" };
}

function createSsl({ ca, key, cert }: TlsOptions = {}): ChannelCredentials {
  const [rootCerts = null, privateKey = null, certChain = null] = [ca, key, cert].map((pem) =>
    pem === undefined ? undefined : Buffer.from(pem as string),
  );
  return credentials.createSsl(rootCerts, privateKey, certChain);
}
