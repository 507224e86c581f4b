/**
 * An iterator whose reads are made one after another, also for a reader that asks ahead, and which can be left while a read is
 * pending: that may never end.
 */
export function leavable<T>(read: () => Promise<IteratorResult<T>>, leave: () => void): AsyncIterator<T> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    next() {
      const next = last.then(read, read);
      last = next;
      return next;
    },
    return() {
      leave();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
