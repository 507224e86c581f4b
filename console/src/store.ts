import { useLayoutEffect, useReducer } from "preact/hooks";

/** A value that components follow. */
export interface Store<T> {
  readonly current: T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  const listeners = new Set<() => void>();
  let current = initial;
  return {
    get current() {
      return current;
    },
    set(value) {
      if (!Object.is(value, current)) {
        current = value;
        for (const listener of [...listeners]) {
          listener();
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value of a store, now and whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, render] = useReducer<number, void>((count) => count + 1, 0);
  const shown = store.current;
  useLayoutEffect(() => {
    const stop = store.subscribe(() => render());
    // It may have changed between the first rendering and this.
    if (!Object.is(shown, store.current)) {
      render();
    }
    return stop;
  }, [store]);
  return shown;
}
