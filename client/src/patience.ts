import { Code, ConnectError } from "@connectrpc/connect";

/** Response timeout of one attempt, for transports without keepalive pings. */
export interface Patience {
  readonly afterMs: number;
  /** Further action on a timeout, such as closing pooled connections. */
  readonly onSilence: () => void;
}

/** The signal of one attempt: it aborts with that of the call, and when nothing has come for too long. */
export interface PatientSignal {
  readonly signal: AbortSignal;
  /** While a stream's reader is busy, nothing is expected. */
  pause(): void;
  resume(): void;
  /** Ends the attempt. */
  end(): void;
}

export function limitSilence(call: AbortSignal, { afterMs, onSilence }: Patience): PatientSignal {
  const controller = new AbortController();
  const follow = () => controller.abort(call.reason);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function lose(): void {
    controller.abort(new ConnectError(`no response within ${afterMs} ms`, Code.Unavailable));
    onSilence();
  }

  function pause(): void {
    clearTimeout(timer);
  }

  function resume(): void {
    // By the next turn an event loop that stood still has read what had arrived.
    timer = setTimeout(() => {
      timer = setTimeout(lose);
    }, afterMs);
  }

  call.addEventListener("abort", follow);
  if (call.aborted) {
    follow();
  }
  resume();
  return {
    signal: controller.signal,
    pause,
    resume,
    end() {
      pause();
      call.removeEventListener("abort", follow);
      controller.abort();
    },
  };
}
