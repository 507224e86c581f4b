/**
 * An iterator whose reads are made one after another, also for a reader that asks ahead, and which can be left while a read is
 * pending: that may never end.
 *
 * @param readNow what can be read without waiting; undefined when there is no such thing. It saves a chain of promises for each.
 */
export function cancellableIterator<T>(
  read: () => Promise<IteratorResult<T>>,
  leave: () => void,
  readNow: () => IteratorResult<T> | undefined = () => undefined,
): AsyncIterator<T> {
  let last: Promise<unknown> = Promise.resolve();
  let pending = 0;
  const settle = () => {
    pending--;
  };
  return {
    next() {
      const now = pending === 0 ? readNow() : undefined;
      if (now !== undefined) {
        return Promise.resolve(now);
      }
      pending++;
      const next = last.then(read, read);
      last = next.then(settle, settle);
      return next;
    },
    return() {
      leave();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
