import type { RetryOptions } from "./retry-options.js";

/**
 * Detection of dead peers: a node that vanished, an entry that a NAT has dropped. The
 * defaults find it in 7 seconds, so that a call with the default deadline outlives it by a retry.
 */
export interface KeepAliveOptions {
  /**
   * Idle time with calls waiting, in milliseconds, after which the connection is probed by a ping.
   * An idle one is asked before its next call. The default is 3000. Where there are no pings, which is HTTP/1.1 and a browser's
   * fetch, it adds to `timeoutMs`.
   */
  readonly intervalMs?: number | undefined;
  /**
   * Longest time that the answer to a ping, or a new connection, may take, in milliseconds. Then the connection is closed, its calls end
   * as `UNREACHABLE`, and what may be repeated is, over a new one. The default is 3000: a server that stands still for less is
   * waited for. While the event loop of this process stands still, no time passes.
   */
  readonly timeoutMs?: number | undefined;
}

/** Options that every client has, whatever it speaks. */
export interface SharedOptions {
  /**
   * The deadline of a call that sets no `timeoutMs`, with all its retries, in milliseconds; 0 is none. It is sent along, and
   * the server stops working when it has passed. mget has none unless it is given one.
   *
   * The default is 10,000, within which a server can be restarted.
   */
  readonly defaultTimeoutMs?: number | undefined;
  /** Retry policy; `false` disables retries. The default is 20 attempts within the deadline. */
  readonly retries?: RetryOptions | false | undefined;
  /** Detection of dead connections. */
  readonly keepAlive?: KeepAliveOptions | undefined;
  /** The bearer token to send with each attempt, or what returns it, so that it can be renewed. The default is none. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /**
   * True if the token may go to another machine without encryption, where everybody on the way can read it and call in your name.
   * The default is false: such an address is refused.
   */
  readonly allowInsecureToken?: boolean | undefined;
  /**
   * True if calls that are made at the same time travel together: gets as one MGet, increments of one counter as one Incr with
   * their sum, sets, swaps, deletes and takes, where they are 32 and more, as MSets and MDeletes, those of one key one after another,
   * in their order. Each keeps its own answer, error, outcome, deadline and signal. Calls with headers, `contextValues`, `onHeader`,
   * `onTrailer`, a `member` or a `requestId` of their own always travel alone. The default is true; `false` is for whoever counts or
   * traces requests one by one.
   */
  readonly batching?: boolean | undefined;
}
