import { InterceptingCall, type Interceptor, ListenerBuilder } from "@grpc/grpc-js";

/** Holds back what a call receives until its reader asks for it. */
export interface ReadTurns {
  /** Of the call whose messages are held back. */
  readonly interceptor: Interceptor;
  /** Lets one more message through, as soon as there is one. */
  next(): void;
  /** Lets all through: a call does not end as long as one of its messages is held back. */
  end(): void;
}

/**
 * The stream of a call buffers 16 messages for a reader who takes none, however large they are: 16 MB for each MGet of large
 * values. While one message is held back, no other is asked for, and HTTP/2's flow control does the rest.
 */
export function createReadTurns(): ReadTurns {
  let turns = 0;
  let held: (() => void) | undefined;
  const letThrough = () => {
    if (held !== undefined && turns > 0) {
      const release = held;
      held = undefined;
      turns--;
      release();
    }
  };
  return {
    interceptor: (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start(metadata, _, next) {
          const listener = new ListenerBuilder()
            .withOnReceiveMessage((message, pass) => {
              held = () => pass(message);
              letThrough();
            })
            .build();
          next(metadata, listener);
        },
      }),
    next() {
      turns++;
      letThrough();
    },
    end() {
      turns = Number.POSITIVE_INFINITY;
      letThrough();
    },
  };
}
