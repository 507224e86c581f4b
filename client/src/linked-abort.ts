import { Code, ConnectError } from "@connectrpc/connect";

/** A controller that follows other signals until it is unlinked from them. */
export interface LinkedAbort {
  readonly controller: AbortController;
  /**
   * Stops following. Must be called when the call is over: the signals that are followed may live as long as the process,
   * and would keep every call that ever listened to them. (AbortSignal.any leaves that to the garbage collector, and
   * leaked in some releases of Node 20: https://github.com/nodejs/node/issues/54614.)
   */
  unlink(): void;
}

export function createLinkedAbort(signals: readonly AbortSignal[]): LinkedAbort {
  const controller = new AbortController();
  function unlink(): void {
    for (const signal of signals) {
      signal.removeEventListener("abort", follow);
    }
  }
  function follow(this: AbortSignal): void {
    unlink();
    controller.abort(this.reason);
  }
  for (const signal of signals) {
    if (signal.aborted) {
      follow.call(signal);
      break;
    }
    signal.addEventListener("abort", follow);
  }
  return { controller, unlink };
}

/**
 * Ends a call before it begins. The transports of connect-node end it too, but ask for a connection first, and so open one
 * again that was just closed.
 */
export function throwIfAborted({ aborted, reason }: AbortSignal): void {
  if (aborted) {
    throw ConnectError.from(reason, Code.Canceled);
  }
}
