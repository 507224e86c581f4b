import type { CallOptions as ConnectCallOptions, ContextValues } from "@connectrpc/connect";

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call, on the server too. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The deadline of the call with all its retries, in milliseconds; 0 lifts it, and below 0 it has passed. The
   * default is the client's `defaultTimeoutMs`, and for mget none.
   */
  readonly timeoutMs?: number | undefined;
  /** Headers to send along. */
  readonly headers?: ConnectCallOptions["headers"] | undefined;
  /** Context values, for interceptors. */
  readonly contextValues?: ContextValues | undefined;
  /** Gets the headers of each answer. */
  readonly onHeader?: ((headers: Headers) => void) | undefined;
  /** Gets the trailers of each answer. */
  readonly onTrailer?: ((trailers: Headers) => void) | undefined;
}

/** Options of reads. */
export interface ReadOptions extends CallOptions {
  /**
   * `strong` reads what was written last, and costs twice as many read units. The default is `eventual`, which may miss a
   * write of the last moments, usually of less than a second.
   */
  readonly consistency?: "eventual" | "strong" | undefined;
}

/** Options of writes that are not idempotent by themselves. */
export interface WriteOptions extends CallOptions {
  /**
   * That repeating the write does no harm, for instance because nobody else writes the key. The client then repeats it also
   * when an answer is lost and nobody knows whether it was applied. The default is false: such a write fails with the
   * outcome `UNKNOWN`, since a repetition might undo what another has written in between.
   */
  readonly idempotent?: boolean | undefined;
}
