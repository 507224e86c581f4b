import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { AfterArrivals } from "../../common/batching/after-arrivals.js";
import type { CallOptions } from "./call-options.js";
import type { DynakvError } from "./errors.js";
import type { ResultReader } from "./results/result-reader.js";

/** The calls of one client, from their first attempt to their end. */
export interface CallRunner {
  /** Carries out what makes up one call, within one deadline. */
  run<T>(options: CallOptions | undefined, work: (call: Call) => Promise<T>): Promise<T>;
  /** Begins a call whose end its caller tells. */
  begin(options: CallOptions | undefined, defaultTimeoutMs?: number): Call;
  /** Time to wait before another attempt; undefined when there is to be none. */
  readonly pauses: Pauses;
  readonly afterArrivals: AfterArrivals;
  /** The `timeoutMs` of a call that is to end then, on the clock of `performance.now()`. */
  leftMs(endAt: number): number;
  /** Ends all calls, and those that come later. */
  close(): void;
}

/** One call: its attempts share a deadline and a signal. */
export interface Call {
  /** Aborts by the caller's signal, at the deadline, and when the client is closed. */
  readonly signal: AbortSignal;
  /** The deadline, on the clock of `performance.now()`; infinite without one. */
  readonly endAt: number;
  /** Calls a method until it succeeds, fails for good, or may not be repeated. Rejects with a DynakvError. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  /** One attempt at a stream, which starts with its first read. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
  ): AsyncIterable<MessageShape<O>>;
  /** One attempt at a stream of results, of which no more is decoded than is asked for, where the transport allows that. */
  results<I extends DescMessage, O extends DescMessage, Page>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
    read: ResultReader<MessageShape<O>, Page>,
  ): AsyncIterable<Page>;
  /** Ends the call, if it has not ended: with a reason, its streams are canceled on the server. */
  end(reason?: unknown): void;
}

/** The pause after a failed attempt, in milliseconds; undefined when there is to be no other. */
export type Pauses = (attempt: number, error: DynakvError) => number | undefined;
