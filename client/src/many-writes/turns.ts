interface Keyed {
  readonly key: string;
}

/** Has the writes of one key follow each other, also from one request to the next. */
export function createTurns() {
  /** The requests in flight, by the keys that they write. */
  const busy = new Map<string, Promise<void>>();

  return {
    /** Resolves once nothing in flight writes any of these keys. */
    async wait(items: readonly Keyed[]): Promise<void> {
      await Promise.all(new Set(items.map(({ key }) => busy.get(key))));
    },
    /** Holds the keys until their results have been read to the end. */
    until<T>(items: readonly Keyed[], results: AsyncGenerator<T>): AsyncGenerator<T> {
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      for (const { key } of items) {
        busy.set(key, released);
      }
      return (async function* () {
        yield* results;
        for (const { key } of items) {
          busy.delete(key);
        }
        release();
      })();
    },
  };
}
