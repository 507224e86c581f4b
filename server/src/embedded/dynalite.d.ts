// Types of the parts of dynalite 4.0.0 that are used, without its server: see embedded-engine.ts.

declare module "dynalite/db/index.js" {
  import type { Readable } from "node:stream";

  /** Callback of an action: an error (see ApiError) or its response. */
  export type Callback = (error: unknown, value?: unknown) => void;

  /** Wraps the callback of whoever holds a lock, so that the lock is released before it is called. */
  export type Release = (done?: Callback) => (...args: unknown[]) => void;

  /** LevelDB's iterator. */
  export interface DatabaseIterator {
    close(): Promise<void>;
    return?: () => Promise<void>;
  }

  /** The database under all tables: LevelDB in a folder, or its like in memory. */
  export interface Database {
    open(): Promise<void>;
    close(): Promise<void>;
    clear(range: { gte: string; lt: string }): Promise<void>;
    keys(options?: object): DatabaseIterator;
    values(options?: object): DatabaseIterator;
    iterator(range: { gte: string; lt: string }): AsyncIterable<[key: string, value: unknown]>;
  }

  /** The part of the database that holds the items of one table, or the tables. */
  export interface SubDatabase {
    get(key: string, callback: Callback): void;
    put(key: string, value: unknown, callback: Callback): void;
    del(key: string, callback: Callback): void;
    batch(operations: unknown[], callback: Callback): void;
    createKeyStream(options?: object): Readable;
    createValueStream(options?: object): Readable;
    lock(key: string, run: (release: Release) => void): void;
  }

  export interface Store {
    readonly db: Database;
    readonly tableDb: SubDatabase;
    getTable(name: string, ...checkAndCallback: [Callback] | [boolean, Callback]): void;
    getItemDb(table: string): SubDatabase;
    getTagDb(table: string): SubDatabase;
    getIndexDb(kind: string, table: string, index: string): SubDatabase;
    deleteItemDb(table: string, callback: Callback): void;
    deleteTagDb(table: string, callback: Callback): void;
    deleteIndexDb(kind: string, table: string, index: string, callback: Callback): void;
  }

  export interface StoreOptions {
    /** The folder; none is memory. */
    path?: string;
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }

  export function create(options: StoreOptions): Store;
}

declare module "dynalite/validations/index.js" {
  import type { Store } from "dynalite/db/index.js";

  /** Returns the parameters that the operation knows. Throws an ApiError for one of another type. */
  export function checkTypes(parameters: object, types: object): object;

  /** Throws an ApiError for parameters that the operation refuses. */
  export function checkValidations(parameters: object, types: object, custom: unknown, store: Store): void;
}
