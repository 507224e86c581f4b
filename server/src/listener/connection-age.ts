/** Has connections replaced that have served for long, so that clients which keep theirs for good find replicas that were added. */
export interface ConnectionAge {
  /** Watches a connection until it is closed. */
  watch(connection: AgingConnection): void;
}

export interface AgingConnection {
  /** Has the client make a new one: no more calls are taken, and those that run finish. */
  retire(): void;
  /** Ends it with whatever still runs. */
  cut(): void;
  once(event: "close", listener: () => void): unknown;
}

export interface ConnectionAgeOptions {
  /** Time that a connection serves, in milliseconds, a tenth more or less: those made together do not end together. */
  readonly maxAgeMs: number;
  /** Longest time that calls may run on after that. */
  readonly graceMs: number;
}

const spread = 0.1;

/** The same as gRPC's MAX_CONNECTION_AGE and MAX_CONNECTION_AGE_GRACE (gRFC A9). Undefined options watch nothing. */
export function createConnectionAge(options: ConnectionAgeOptions | undefined): ConnectionAge {
  return {
    watch(connection) {
      if (options === undefined) {
        return;
      }
      const { maxAgeMs, graceMs } = options;
      let timer = setTimeout(
        () => {
          connection.retire();
          timer = setTimeout(() => connection.cut(), graceMs).unref();
        },
        maxAgeMs * (1 - spread + 2 * spread * Math.random()),
      ).unref();
      connection.once("close", () => clearTimeout(timer));
    },
  };
}
