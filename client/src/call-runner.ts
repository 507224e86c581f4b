import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { CallOptions, WriteOptions } from "./call-options.js";
import { type DynakvError, endedHere } from "./errors.js";
import { explainFailure, isRead, isRepeatable, type Pauses } from "./retries.js";
import { sleep } from "./sleep.js";

/** The calls of one client, from their first attempt to their end. */
export interface Caller {
  /** Carries out what makes up one call, within one deadline. */
  run<T>(options: CallOptions | undefined, work: (call: Call) => Promise<T>): Promise<T>;
  /** Begins a call whose end its caller tells. */
  begin(options: CallOptions | undefined, defaultTimeoutMs?: number): Call;
  /** How long to wait before another attempt; undefined when there is to be none. */
  readonly pauses: Pauses;
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
  /** Ends the call, if it has not ended: with a reason, its streams are canceled on the server. */
  end(reason?: unknown): void;
}

export interface CallerOptions {
  readonly transport: Transport;
  readonly defaultTimeoutMs: number;
  readonly pauses: Pauses;
}

/** The longest time that a timer of JavaScript can be set to. */
const maxTimerMs = 2 ** 31 - 1;

export function createCaller({ transport, defaultTimeoutMs, pauses }: CallerOptions): Caller {
  const running = new Set<AbortController>();
  let closed: ConnectError | undefined;

  function begin(options: CallOptions & Pick<WriteOptions, "idempotent"> = {}, timeout = defaultTimeoutMs): Call {
    const { signal: outer, timeoutMs = timeout, headers, contextValues, onHeader, onTrailer } = options;
    if (Number.isNaN(timeoutMs)) {
      throw new RangeError("timeoutMs is not a number");
    }
    const controller = new AbortController();
    const follow = () => controller.abort(outer?.reason);
    const isLimited = timeoutMs > 0 && timeoutMs <= maxTimerMs;
    const endAt = isLimited ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
    const late = () => controller.abort(new ConnectError("the deadline has passed", Code.DeadlineExceeded));
    const timer = isLimited ? setTimeout(late, timeoutMs) : undefined;
    outer?.addEventListener("abort", follow);
    running.add(controller);
    if (closed !== undefined || outer?.aborted === true) {
      controller.abort(closed ?? outer?.reason);
    } else if (timeoutMs < 0) {
      // What is left of a deadline of the caller's own, which has passed.
      late();
    }
    const { signal } = controller;

    return {
      signal,
      endAt,
      async unary(method, input) {
        const message = create(method.input, input);
        const attempted = { method, isRepeatable: options.idempotent === true || isRepeatable(method, message) };
        let mayBeApplied = false;
        let last: DynakvError | undefined;
        for (let attempt = 1; ; attempt++) {
          let isSent = false;
          try {
            signal.throwIfAborted();
            isSent = true;
            const response = await transport.unary(method, signal, leftMs(endAt), headers, message, contextValues);
            onHeader?.(response.header);
            onTrailer?.(response.trailer);
            return response.message;
          } catch (cause) {
            if (signal.aborted) {
              const outcome = isSent || mayBeApplied ? "UNKNOWN" : "NOT_APPLIED";
              throw endedHere(signal.reason, isRead(method) ? undefined : outcome, last);
            }
            const { error, mayRepeat } = explainFailure(cause, attempted);
            last = error;
            mayBeApplied ||= error.outcome === "UNKNOWN";
            const pause = mayRepeat ? pauses(attempt, error) : undefined;
            if (pause === undefined || performance.now() + pause >= endAt) {
              throw mayBeApplied ? error.inDoubt() : error;
            }
            await sleep(pause, signal);
          }
        }
      },
      async *stream(method, input) {
        signal.throwIfAborted();
        const response = await transport.stream(method, signal, leftMs(endAt), headers, once(input), contextValues);
        onHeader?.(response.header);
        yield* response.message;
        onTrailer?.(response.trailer);
      },
      end(reason) {
        clearTimeout(timer);
        outer?.removeEventListener("abort", follow);
        running.delete(controller);
        if (reason !== undefined) {
          controller.abort(reason);
        }
      },
    };
  }

  return {
    begin,
    pauses,
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
      for (const controller of running) {
        controller.abort(closed);
      }
    },
  };
}

/** Rounded up: a call that is under way in its last millisecond has a deadline, not none. */
function leftMs(endAt: number): number {
  return endAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(endAt - performance.now()));
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
