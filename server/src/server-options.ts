import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import type { Metrics } from "./observability/metrics/metrics.js";
import type { Settings } from "./settings/settings.js";
import type { EngineAddress } from "./store/dynamodb/open-connection.js";
import type { Clock } from "./store/layout/entry.js";

/** Options of a server. Every setting of the command line can be given, but for `workers`; the defaults are the same. */
export interface ServerOptions extends Partial<Omit<Settings, "workers">> {
  /**
   * A client of the caller's own, with its region, endpoint and credentials, instead of one made from the settings. It is
   * used with its middleware but without its retries (dynakv decides what may be repeated), and is not destroyed by stop.
   */
  client?: DynamoDBClient;
  /** An embedded engine that runs already, in another process of this machine, instead of one of the server's own. */
  engine?: EngineAddress;
  /** A logger of the caller's own, instead of one to stderr made from logLevel and logFormat. */
  logger?: Logger;
  /** Tells the time in milliseconds since the epoch; the default is Date.now. For tests of expiry. */
  clock?: Clock;
  /** Variables that were taken out of process.env since they hold secrets, such as OTEL_EXPORTER_OTLP_HEADERS. */
  secretVariables?: Readonly<Record<string, string>>;
  /** Metrics to count into, which another process shows, instead of an adminListen of its own. */
  metrics?: Metrics;
}

/** A server that was built, and can be started once. */
export interface Server {
  /**
   * Sets the table up and listens. Resolves once calls are answered; an endpoint that cannot be reached yet does not keep
   * it from that. Rejects, with everything closed again, when the address is taken, the engine's folder cannot be used,
   * or the table does not fit; the message is made for people.
   */
  start(): Promise<StartedServer>;
  /**
   * Stops: takes no more calls, lets those that run finish within drainSeconds, then closes everything. Calls that are cut
   * off get UNAVAILABLE. May be called more than once.
   */
  stop(): Promise<void>;
}

export interface StartedServer {
  /** Its URL, such as `http://127.0.0.1:50051`, or `https:` with TLS. */
  readonly url: string;
  /** True if the embedded engine serves it. */
  readonly embedded: boolean;
  /** True if the console is at `/console`. */
  readonly hasConsole: boolean;
  /** URL of metrics and health, if adminListen is set, such as `http://127.0.0.1:9464`. */
  readonly adminUrl?: string;
  /** Number of calls in flight that may write. */
  readonly writesInFlight: number;
}
