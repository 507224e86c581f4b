import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { checkAddress } from "./address.js";
import { type Checks, callback, checkOptions, oneOf, text } from "./arguments/checks.js";
import {
  interceptors as checkInterceptors,
  transport as checkTransport,
  sharedOptions,
} from "./arguments/client-options.js";
import { createClientOver, type DynakvClient } from "./client.js";
import { portableFetch } from "./portable-fetch.js";
import type { SharedOptions } from "./shared-options.js";
import { toSilence } from "./silence.js";

export * from "./shared.js";

/** Options of the client for browsers. */
export interface WebClientOptions extends SharedOptions {
  /** Address of the server. The default is the page's own origin. A server elsewhere must name that in its `corsOrigins`. */
  readonly address?: string | undefined;
  /** The protocol to speak. The default is `connect`, which a proxy or a browser's own tools can read. */
  readonly protocol?: "connect" | "grpc-web" | undefined;
  /** Interceptors of every attempt, the first one outermost: those of Connect. The default is none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** The function that makes requests. The default is `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The transport to use instead of one made from the options above. */
  readonly transport?: Transport | undefined;
}

const optionChecks: Checks<WebClientOptions> = {
  ...sharedOptions,
  address: text,
  protocol: oneOf("connect", "grpc-web"),
  interceptors: checkInterceptors,
  fetch: callback,
  transport: checkTransport,
};

/** The client of `@dynakv/client` over fetch, for browsers and other runtimes that are not Node. */
export function createClient(given: WebClientOptions = {}): DynakvClient {
  const options = checkOptions("createClient", given, optionChecks);
  const { protocol = "connect", interceptors, fetch } = options;
  const origin = (globalThis as { location?: { origin: string } }).location?.origin;
  const address = options.address ?? origin ?? "";
  const transport = options.transport ?? createTransport();
  const { intervalMs, timeoutMs } = toSilence(options.keepAlive);
  // fetch does not tell a server that is slow from one that is gone.
  const patience = { afterMs: intervalMs + timeoutMs, onSilence: () => {} };
  return createClientOver(
    transport,
    options,
    () => {},
    patience,
    (run) => setTimeout(run, 0),
  );

  function createTransport(): Transport {
    // A relative address is resolved against the page's origin.
    checkAddress(URL.canParse(address, origin) ? new URL(address, origin).href : address, options);
    const create = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
    return create({
      baseUrl: address,
      ...(interceptors === undefined ? {} : { interceptors: [...interceptors] }),
      fetch: portableFetch(fetch),
    });
  }
}
