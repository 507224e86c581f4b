import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import type { ByteTransport } from "./byte-streams.js";
import type { Call, Pauses } from "./call.js";
import type { CallOptions, WriteOptions } from "./call-options.js";
import { type DynakvError, endedHere } from "./errors.js";
import { limitSilence, type Patience } from "./patience.js";
import type { ResultReader } from "./results/result-reader.js";
import { explainFailure, isRead, isRepeatable } from "./retries.js";
import { maxTimerMs, sleep } from "./sleep.js";
import { isUnsent, noteSent } from "./unsent.js";

export interface Surroundings {
  readonly transport: ByteTransport;
  readonly pauses: Pauses;
  /** Set for a transport that does not find by itself that a connection is dead. */
  readonly patience: Patience | undefined;
  /** The calls that have not ended. */
  readonly running: Set<RunningCall>;
}

type Options = CallOptions & Pick<WriteOptions, "idempotent">;

/** A class, since closures would be made anew for each call. */
export class RunningCall implements Call {
  readonly endAt: number;
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setTimeout> | undefined;
  private readonly follow: (() => void) | undefined;
  private readonly surroundings: Surroundings;
  private readonly options: Options;

  constructor(surroundings: Surroundings, options: Options, timeoutMs: number) {
    this.surroundings = surroundings;
    this.options = options;
    const { signal } = options;
    const isLimited = timeoutMs > 0 && timeoutMs <= maxTimerMs;
    this.endAt = isLimited ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
    this.timer = isLimited ? setTimeout(expire, timeoutMs, this) : undefined;
    if (signal !== undefined) {
      this.follow = () => this.abort(signal.reason);
      signal.addEventListener("abort", this.follow);
    }
    surroundings.running.add(this);
    if (signal?.aborted === true) {
      this.abort(signal.reason);
    } else if (timeoutMs < 0) {
      // The caller's own deadline has passed.
      expire(this);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    this.controller.abort(reason);
  }

  end(reason?: unknown): void {
    clearTimeout(this.timer);
    if (this.follow !== undefined) {
      this.options.signal?.removeEventListener("abort", this.follow);
    }
    this.surroundings.running.delete(this);
    if (reason !== undefined) {
      this.abort(reason);
    }
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const { signal } = this;
    const message = create(method.input, input);
    const isHarmless = this.options.idempotent === true || isRepeatable(method, message);
    let mayBeApplied = false;
    let last: DynakvError | undefined;
    for (let attempt = 1; ; attempt++) {
      let isTried = false;
      let response: UnaryResponse<I, O>;
      try {
        signal.throwIfAborted();
        isTried = true;
        response = await this.send(method, message, isHarmless);
      } catch (cause) {
        const wasSent = isTried && !isUnsent(message);
        if (signal.aborted) {
          const outcome = wasSent || mayBeApplied ? "UNKNOWN" : "NOT_APPLIED";
          throw endedHere(signal.reason, isRead(method) ? undefined : outcome, last);
        }
        const { error, mayRepeat } = explainFailure(cause, { method, isRepeatable: isHarmless, wasSent });
        last = error;
        const wasUncertain = mayBeApplied;
        mayBeApplied ||= error.outcome === "UNKNOWN";
        const pause = mayRepeat ? this.surroundings.pauses(attempt, error) : undefined;
        if (pause === undefined || performance.now() + pause >= this.endAt) {
          throw wasUncertain ? error.withUnknownOutcome() : error;
        }
        await sleep(pause, signal);
        noteSent(message);
        continue;
      }
      this.options.onHeader?.(response.header);
      this.options.onTrailer?.(response.trailer);
      return response.message;
    }
  }

  /** One attempt. */
  private send<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    message: MessageShape<I>,
    isHarmless: boolean,
  ): Promise<UnaryResponse<I, O>> {
    const { transport, patience } = this.surroundings;
    const { headers, contextValues } = this.options;
    const input = message as MessageInitShape<I>;
    const timeoutMs = leftMs(this.endAt);
    // Nothing is gained from an early end of what cannot be repeated.
    if (patience === undefined || !isHarmless) {
      return transport.unary(method, this.signal, timeoutMs, headers, input, contextValues);
    }
    const limit = limitSilence(this.signal, patience);
    return transport.unary(method, limit.signal, timeoutMs, headers, input, contextValues).finally(limit.end);
  }

  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
  ): AsyncGenerator<MessageShape<O>> {
    const { transport, patience } = this.surroundings;
    const { headers, contextValues, onHeader, onTrailer } = this.options;
    const { signal } = this;
    signal.throwIfAborted();
    // Nothing is gained from an early end of what cannot be repeated.
    const isHarmless = isRead(method) || this.options.idempotent === true;
    const limit = isHarmless && patience !== undefined ? limitSilence(signal, patience) : undefined;
    try {
      const until = limit?.signal ?? signal;
      const response = await transport.stream(method, until, leftMs(this.endAt), headers, once(input), contextValues);
      this.tell(onHeader, response.header);
      for await (const message of response.message) {
        limit?.pause();
        yield message;
        limit?.resume();
      }
      this.tell(onTrailer, response.trailer);
    } finally {
      limit?.end();
    }
  }

  async *results<I extends DescMessage, O extends DescMessage, Page>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
    read: ResultReader<MessageShape<O>, Page>,
  ): AsyncGenerator<Page> {
    const { streamBytes } = this.surroundings.transport;
    if (streamBytes === undefined || this.surroundings.patience !== undefined) {
      for await (const message of this.stream(method, input)) {
        yield read.ofMessage(message);
      }
      return;
    }
    const { headers, onHeader, onTrailer } = this.options;
    const { signal } = this;
    signal.throwIfAborted();
    const response = await streamBytes(method, signal, leftMs(this.endAt), headers, input);
    const { messages } = response;
    this.tell(onHeader, response.header);
    for await (const bytes of messages) {
      yield parsed(() => read.ofBytes(bytes));
    }
    this.tell(onTrailer, response.trailer);
  }

  /** An error of the caller's own ends the call: after any other, a stream is taken up again. */
  private tell(callback: ((headers: Headers) => void) | undefined, headers: Headers | (() => Headers)): void {
    try {
      callback?.(typeof headers === "function" ? headers() : headers);
    } catch (error) {
      this.abort(error);
      throw error;
    }
  }
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ConnectError(`parse binary: ${(error as Error).message}`, Code.Internal);
  }
}

function expire(call: RunningCall): void {
  call.abort(new ConnectError("the deadline has passed", Code.DeadlineExceeded));
}

/** Rounded up: a call that is in flight in its last millisecond has a deadline, not none. */
export function leftMs(endAt: number): number {
  return endAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(endAt - performance.now()));
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
