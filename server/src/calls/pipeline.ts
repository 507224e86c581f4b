import { abortError } from "../errors/dynakv-error.js";
import type { Call } from "./call.js";

/**
 * One of the things that a call passes between its head and its body. An interceptor throws, or rejects with, a DynakvError to refuse the
 * call, and asks by `call.onEnd` to be told of its end.
 *
 * It returns no promise when it need not wait: most calls pass in one go, and a promise for each would cost them more than the interceptor.
 */
export type Interceptor = (call: Call) => void | Promise<void>;

/** The interceptors of a server, by what they are for; those that it has no use for are left out. */
export interface Interceptors {
  /** Writes a line when the call has ended. */
  readonly accessLog?: Interceptor | undefined;
  /** Counts and times calls. */
  readonly metrics?: Interceptor | undefined;
  /** Opens a span. */
  readonly tracing?: Interceptor | undefined;
  /** Adds up what the call consumes of DynamoDB, where the caller asks for that. */
  readonly consumedCapacity?: Interceptor | undefined;
  /** Keeps web pages out, where nobody is asked who they are. */
  readonly hostGuard?: Interceptor | undefined;
  /** Finds out who calls, and whether that caller may call the method for some key at least. */
  readonly identity?: Interceptor | undefined;
  /** Reads the deadline. */
  readonly deadline?: Interceptor | undefined;
  /** Lets the call in, has it wait for its turn, or sheds it. */
  readonly admission?: Interceptor | undefined;
}

/**
 * The order in which every call passes the interceptors, whatever its protocol. Before them stand the limits of the connection
 * (listener/connection-limits.ts), and behind them that of the body, which is counted as it is read (body-limit.ts), and the
 * rights to the keys that it names, which the service checks.
 */
function inOrder(interceptors: Interceptors): readonly Interceptor[] {
  const { accessLog, metrics, tracing, consumedCapacity, hostGuard, identity, deadline, admission } = interceptors;
  return [
    // The first interceptor's end hook runs last, so that the log has what the others found out.
    accessLog,
    metrics,
    tracing,
    consumedCapacity,
    // Callers that may not call learn nothing else.
    hostGuard,
    identity,
    // Admission sheds who would not be served in time.
    deadline,
    admission,
  ].filter((interceptor) => interceptor !== undefined);
}

/**
 * Has a call pass all interceptors before any of its body is read, and then calls one of the two: at once if no interceptor waits. Interceptors that
 * were passed before one refuses hear of the call's end all the same.
 */
export type Pipeline = (call: Call, onPassed: () => void, onRefused: (error: unknown) => void) => void;

export function createPipeline(given: Interceptors): Pipeline {
  const interceptors = inOrder(given);

  function pass(call: Call, from: number): void | Promise<void> {
    for (let index = from; index < interceptors.length; index++) {
      const waiting = interceptors[index]?.(call);
      if (waiting !== undefined) {
        return waiting.then(() => {
          if (call.ended) {
            // Its client has left meanwhile: what the next interceptors gave it, it would never give back.
            throw abortError(undefined);
          }
          return pass(call, index + 1);
        });
      }
    }
  }

  return (call, onPassed, onRefused) => {
    let waiting: void | Promise<void>;
    try {
      waiting = pass(call, 0);
    } catch (error) {
      onRefused(error);
      return;
    }
    if (waiting === undefined) {
      onPassed();
    } else {
      waiting.then(onPassed, onRefused);
    }
  };
}
