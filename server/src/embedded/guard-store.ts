import type { Callback, Release, Store, SubDatabase } from "dynalite/db/index.js";

/**
 * A view of the store for one request, in which nothing that the request's action does can throw out of reach. Actions
 * work in callbacks of the store, where an exception has no caller to catch it and ends the process; in this view every
 * callback is called in a `try`. After an exception, the locks that the action still holds are released, so that its
 * keys stay usable, and `fail` is called. It may be called more than once.
 */
export function guardStore(store: Store, fail: (error: unknown) => void): Store {
  const held = new Set<() => void>();

  function guard<A extends unknown[]>(listener: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        listener(...args);
      } catch (error) {
        for (const release of held) {
          release();
        }
        fail(error);
      }
    };
  }

  /** A lock can be released only once, and then either by the action or by the guard. */
  function track(release: Release): Release {
    const releaseNow = release();
    const releaseOnce = () => {
      if (held.delete(releaseOnce)) {
        releaseNow();
      }
    };
    held.add(releaseOnce);
    return (done) =>
      (...args) => {
        releaseOnce();
        done?.(...(args as Parameters<Callback>));
      };
  }

  function guardDatabase(db: SubDatabase): SubDatabase {
    return {
      get: (key, callback) => db.get(key, guard(callback)),
      put: (key, value, callback) => db.put(key, value, guard(callback)),
      del: (key, callback) => db.del(key, guard(callback)),
      batch: (operations, callback) => db.batch(operations, guard(callback)),
      createKeyStream: (options) => guardListeners(db.createKeyStream(options)),
      createValueStream: (options) => guardListeners(db.createValueStream(options)),
      lock: (key, run) =>
        db.lock(
          key,
          guard((release) => run(track(release))),
        ),
    };
  }

  function guardListeners<S extends NodeJS.EventEmitter>(stream: S): S {
    const on = stream.on.bind(stream);
    stream.on = (event, listener) => on(event, guard(listener));
    return stream;
  }

  return {
    ...store,
    tableDb: { ...store.tableDb, ...guardDatabase(store.tableDb) },
    getTable(name, ...rest) {
      const callback = guard(rest.length === 1 ? rest[0] : rest[1]);
      return rest.length === 1 ? store.getTable(name, callback) : store.getTable(name, rest[0], callback);
    },
    getItemDb: (table) => guardDatabase(store.getItemDb(table)),
    getTagDb: (table) => guardDatabase(store.getTagDb(table)),
    getIndexDb: (kind, table, index) => guardDatabase(store.getIndexDb(kind, table, index)),
    deleteItemDb: (table, callback) => store.deleteItemDb(table, guard(callback)),
    deleteTagDb: (table, callback) => store.deleteTagDb(table, guard(callback)),
    deleteIndexDb: (kind, table, index, callback) => store.deleteIndexDb(kind, table, index, guard(callback)),
  };
}
