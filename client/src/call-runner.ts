import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport, type UnaryResponse } from "@connectrpc/connect";
import type { Call, Caller, Pauses } from "./call.js";
import type { CallOptions, WriteOptions } from "./call-options.js";
import { type DynakvError, endedHere } from "./errors.js";
import { limitSilence, type Patience } from "./patience.js";
import { explainFailure, isRead, isRepeatable } from "./retries.js";
import { maxTimerMs, sleep } from "./sleep.js";
import { isUnsent, noteSent } from "./unsent.js";

export interface CallerOptions {
  readonly transport: Transport;
  readonly defaultTimeoutMs: number;
  readonly pauses: Pauses;
  /** Set for a transport that does not find by itself that a connection is dead. */
  readonly patience: Patience | undefined;
}

export function createCaller({ transport, defaultTimeoutMs, pauses, patience }: CallerOptions): Caller {
  const running = new Set<AbortController>();
  let closed: ConnectError | undefined;

  function begin(options: CallOptions & Pick<WriteOptions, "idempotent"> = {}, timeout = defaultTimeoutMs): Call {
    const { signal: outer, timeoutMs = timeout, headers, contextValues, onHeader, onTrailer } = options;
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

    async function unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      input: MessageInitShape<I>,
    ): Promise<MessageShape<O>> {
      const message = create(method.input, input);
      const isHarmless = options.idempotent === true || isRepeatable(method, message);
      let mayBeApplied = false;
      let last: DynakvError | undefined;
      for (let attempt = 1; ; attempt++) {
        // Nothing is gained from an early end of what cannot be repeated.
        const limit = patience !== undefined && isHarmless ? limitSilence(signal, patience) : undefined;
        let isTried = false;
        let response: UnaryResponse<I, O>;
        try {
          signal.throwIfAborted();
          isTried = true;
          const until = limit?.signal ?? signal;
          response = await transport.unary(method, until, leftMs(endAt), headers, message, contextValues);
        } catch (cause) {
          limit?.end();
          const wasSent = isTried && !isUnsent(message);
          if (signal.aborted) {
            const outcome = wasSent || mayBeApplied ? "UNKNOWN" : "NOT_APPLIED";
            throw endedHere(signal.reason, isRead(method) ? undefined : outcome, last);
          }
          const { error, mayRepeat } = explainFailure(cause, { method, isRepeatable: isHarmless, wasSent });
          last = error;
          mayBeApplied ||= error.outcome === "UNKNOWN";
          const pause = mayRepeat ? pauses(attempt, error) : undefined;
          if (pause === undefined || performance.now() + pause >= endAt) {
            throw mayBeApplied ? error.inDoubt() : error;
          }
          await sleep(pause, signal);
          noteSent(message);
          continue;
        }
        limit?.end();
        onHeader?.(response.header);
        onTrailer?.(response.trailer);
        return response.message;
      }
    }

    async function* stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodServerStreaming<I, O>,
      input: MessageInitShape<I>,
    ): AsyncGenerator<MessageShape<O>> {
      signal.throwIfAborted();
      const limit = patience && limitSilence(signal, patience);
      try {
        const until = limit?.signal ?? signal;
        const response = await transport.stream(method, until, leftMs(endAt), headers, once(input), contextValues);
        tell(onHeader, response.header);
        for await (const message of response.message) {
          limit?.pause();
          yield message;
          limit?.resume();
        }
        tell(onTrailer, response.trailer);
      } finally {
        limit?.end();
      }
    }

    /** An error of the caller's own ends the call: a stream would be taken up again after any other. */
    function tell(callback: ((headers: Headers) => void) | undefined, headers: Headers): void {
      try {
        callback?.(headers);
      } catch (error) {
        controller.abort(error);
        throw error;
      }
    }

    return {
      signal,
      endAt,
      unary,
      stream,
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
