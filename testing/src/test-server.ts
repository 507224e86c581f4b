import type { ClientOptions, DynakvClient } from "@dynakv/client";
import type { ServerOptions } from "@dynakv/server";
import type { Clock } from "./clock.js";
import type { Faults } from "./faults.js";

/** Options of {@link startTestServer}. */
export interface TestServerOptions {
  /**
   * Settings of the server, as `createServer` of @dynakv/server has them, but for those that say where the data is and what time it
   * is. The defaults are a free port of 127.0.0.1, no log, and no shedding of load, which a busy test machine would meet.
   */
  readonly server?: Omit<
    ServerOptions,
    | "backend"
    | "data"
    | "region"
    | "endpoint"
    | "accessKeyId"
    | "secretAccessKey"
    | "sessionToken"
    | "client"
    | "engine"
    | "clock"
  >;
  /** Options of `client`, and the defaults of `createClient`. The default is a deadline of 30 seconds, for slow machines. */
  readonly client?: Omit<ClientOptions, "address">;
  /** Seed of faults at random (`faults.proxy.setRates`); the default is random, and `faults.proxy.seed` tells it. */
  readonly seed?: number;
}

/** A server in this process, on an engine in memory, with all that a test needs beside it. */
export interface TestServer extends AsyncDisposable {
  /** Its address, such as `http://127.0.0.1:40123`: for a client's `address`, and for any other caller's. */
  readonly address: string;
  /** A client of this server. It connects with its first call. */
  readonly client: DynakvClient;
  /** Another client, such as one without retries. The server closes it with itself. */
  createClient(options?: Omit<ClientOptions, "address">): DynakvClient;
  /** The server's clock. */
  readonly clock: Clock;
  /** Faults between server and DynamoDB. */
  readonly faults: Faults;
  /** Endpoint and table of its DynamoDB, past the server and its faults: for what another program, such as Celery, would write. */
  readonly dynamodb: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly table: string;
  };
  /**
   * A clean table: ends all faults, waits for the writes in flight, removes all entries at once, and sets the clock to the machine's
   * time. Reads in flight see the table before or after. A write that begins meanwhile may be removed or stay. Rejects when writes are
   * still in flight after 5 seconds.
   */
  reset(): Promise<void>;
  /** Closes clients, server and engine. May be called more than once. */
  close(): Promise<void>;
}
