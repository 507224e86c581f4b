import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../gen/grpc/health/v1/health_pb.js";

/** The standard health service, and the switch behind it. */
export interface HealthService {
  /** Says whether calls can be served: for all services together, and for the server as a whole. Not heard after `close`. */
  set(serving: boolean): void;
  /** The current status; NOT_SERVING at first. */
  readonly current: boolean;
  readonly watchers: number;
  /**
   * Says for good that no calls are served, and then ends every Watch with UNAVAILABLE: its client looks for another
   * server. Otherwise each Watch would keep its connection open for as long as the server drains.
   */
  close(): void;
  /** Answers the calls of grpc.health.v1.Health. */
  readonly implementation: ServiceImpl<typeof Health>;
}

/** Creates the health of the services with the given full names, and of the server as a whole, whose name is "". */
export function createHealth(serviceNames: readonly string[]): HealthService {
  const names = new Set(["", ...serviceNames]);
  const watchers = new Set<() => void>();
  let current = false;
  let closed = false;

  const status = (): ServingStatus => (current ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);

  function wakeAll(): void {
    for (const wake of watchers) {
      wake();
    }
  }

  /** Resolves at the next change, or when the client has left. By then, nothing is held for this wait. */
  function nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      watchers.add(wake);
      signal.addEventListener("abort", wake);

      function wake(): void {
        watchers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      }
    });
  }

  async function* watch({ service }: HealthCheckRequest, { signal }: HandlerContext) {
    // The protocol wants an unknown service watched, not refused: it may become known. Here that takes a new server.
    const watched = () => (names.has(service) ? status() : ServingStatus.SERVICE_UNKNOWN);
    let sent: ServingStatus | undefined;
    while (!signal.aborted) {
      if (watched() !== sent) {
        sent = watched();
        yield { status: sent };
      } else if (closed) {
        // Returning would tell the client that all is well.
        throw new ConnectError("the server is shutting down", Code.Unavailable);
      } else {
        await nextChange(signal);
      }
    }
    throw signal.reason;
  }

  return {
    set(serving) {
      current = serving && !closed;
      wakeAll();
    },
    get current() {
      return current;
    },
    get watchers() {
      return watchers.size;
    },
    close() {
      closed = true;
      current = false;
      wakeAll();
    },
    implementation: {
      check({ service }) {
        if (!names.has(service)) {
          throw new ConnectError(`unknown service "${service}"`, Code.NotFound);
        }
        return { status: status() };
      },
      watch,
      list() {
        return { statuses: Object.fromEntries([...names].map((name) => [name, { status: status() }])) };
      },
    },
  };
}
