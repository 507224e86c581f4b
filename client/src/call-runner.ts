import { Code, ConnectError } from "@connectrpc/connect";
import type { AfterArrivals } from "../../common/batching/after-arrivals.js";
import type { ByteTransport } from "./byte-streams.js";
import type { CallRunner, Pauses } from "./call.js";
import type { Patience } from "./patience.js";
import { leftMs, RunningCall } from "./running-call.js";

export interface CallRunnerOptions {
  readonly transport: ByteTransport;
  readonly defaultTimeoutMs: number;
  readonly pauses: Pauses;
  /** Set for a transport that does not find by itself that a connection is dead. */
  readonly patience: Patience | undefined;
  readonly afterArrivals: AfterArrivals;
}

export function createCallRunner(options: CallRunnerOptions): CallRunner {
  const { transport, defaultTimeoutMs, pauses, patience, afterArrivals } = options;
  const running = new Set<RunningCall>();
  const surroundings = { transport, pauses, patience, running };
  let closed: ConnectError | undefined;

  const begin: CallRunner["begin"] = (options = {}, timeout = defaultTimeoutMs) => {
    const call = new RunningCall(surroundings, options, options.timeoutMs ?? timeout);
    if (closed !== undefined) {
      call.abort(closed);
    }
    return call;
  };

  return {
    begin,
    pauses,
    afterArrivals,
    leftMs,
    async run(options, work) {
      const call = begin(options);
      try {
        return await work(call);
      } finally {
        call.end();
      }
    },
    close() {
      closed ??= new ConnectError("the client is closed", Code.Canceled);
      for (const call of running) {
        call.abort(closed);
      }
    },
  };
}
