import { createLinkedAbort, throwIfAborted } from "./linked-abort.js";

/**
 * A stream that a consumer may leave at any message, by `break`, `return` or an error in its loop: the call is then
 * canceled, on the server too. The streams of Connect and of grpc-js both go on without a reader.
 *
 * The call starts with the first read, so that a stream which nobody reads neither runs nor fails.
 */
export function cancelOnReturn<T>(
  start: (signal: AbortSignal) => AsyncIterable<T>,
  signals: readonly AbortSignal[],
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const { controller, unlink } = createLinkedAbort(signals);
      let source: AsyncIterator<T> | undefined;
      let left = false;
      return {
        async next() {
          if (left) {
            return { done: true, value: undefined };
          }
          try {
            if (source === undefined) {
              throwIfAborted(controller.signal);
              source = start(controller.signal)[Symbol.asyncIterator]();
            }
            const result = await source.next();
            if (result.done === true) {
              unlink();
            }
            return result;
          } catch (error) {
            unlink();
            throw error;
          }
        },
        // Not a generator's return: that would wait for the read that is pending, which may never end.
        return() {
          left = true;
          unlink();
          controller.abort();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}
