import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { Database, Store } from "dynalite/db/index.js";
import { SetupError } from "../errors/dynakv-error.js";

/**
 * Opens the database of the embedded engine: a folder, which is created if it is missing, or `memory`. Rejects with a
 * SetupError that says what to do when the folder cannot be used.
 */
export async function openStore(data: string): Promise<Store> {
  const folder = data === "memory" ? undefined : resolve(data);
  if (folder !== undefined) {
    await prepareFolder(folder);
  }
  // Loaded only now, so that a server in front of another engine never does.
  const { create } = createRequire(import.meta.url)("dynalite/db/index.js") as typeof import("dynalite/db/index.js");
  const store = create({
    ...(folder === undefined ? {} : { path: folder }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  closeIterators(store.db);
  try {
    await store.db.open();
    await finishTableChanges(store);
  } catch (error) {
    await store.db.close();
    throw folderError(folder ?? data, error);
  }
  return store;
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** Describes a problem with the data folder, with advice. */
function folderError(folder: string, error: unknown): SetupError {
  // The reason of LevelDB is the cause of the error that it rejects with.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { found, advice } = folderProblem(cause);
  return new SetupError(`data folder '${folder}' ${found}: ${advice}`, { transient: false, cause });
}

/** Maps an error of the file system or of LevelDB to a problem and advice. */
export function folderProblem(error: unknown): { readonly found: string; readonly advice: string } {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const another = "or set data to another folder, or to 'memory'";
  switch (code) {
    case "EEXIST":
    case "ENOTDIR":
      return { found: "is a file, or lies below one", advice: "set data to a folder, or to 'memory'" };
    case "EACCES":
    case "EPERM":
      return { found: "may not be read and written by this user", advice: `change its permissions, ${another}` };
    case "EROFS":
      return { found: "is on a read-only file system", advice: "set data to another folder, or to 'memory'" };
    case "ENOSPC":
    case "EDQUOT":
      return { found: "is on a full disk", advice: `make room, ${another}` };
    case "LEVEL_LOCKED":
      return { found: "is in use by another dynakv", advice: `stop that one, ${another}` };
    case "LEVEL_CORRUPTION":
      return { found: `is damaged (${message})`, advice: `restore it from a backup, ${another}` };
    default:
      return { found: `cannot be opened (${message})`, advice: `make it usable, ${another}` };
  }
}

/**
 * Lets dynalite close the iterators of its queries and scans. It calls their `return`, which they do not have, and so
 * every one of them stays open, with the memory and the snapshot that it holds.
 */
function closeIterators(db: Database): void {
  for (const method of ["keys", "values"] as const) {
    const open = db[method].bind(db);
    db[method] = (options) => {
      const iterator = open(options);
      iterator.return = () => iterator.close();
      return iterator;
    };
  }
}

/**
 * Ends what a process that was killed had begun. A table becomes ACTIVE, or goes, a moment after the answer to its
 * creation or deletion; without this, it would be CREATING or DELETING for ever.
 */
async function finishTableChanges({ db, tableDb, deleteItemDb }: Store): Promise<void> {
  for await (const [, table] of db.iterator({ gte: "table~", lt: "table\x7f" })) {
    const { TableName: name, TableStatus: status } = table as { TableName: string; TableStatus: string };
    if (status === "CREATING" || status === "UPDATING") {
      const active = { ...(table as object), TableStatus: "ACTIVE" };
      await called((callback) => tableDb.put(name, active, callback));
    } else if (status === "DELETING") {
      await called((callback) => deleteItemDb(name, callback));
      await called((callback) => tableDb.del(name, callback));
    }
  }
}

/** Removes the items of all tables; the tables stay. */
export function removeItems({ db }: Store): Promise<void> {
  return db.clear({ gte: "item-", lt: "item." });
}

function called(run: (callback: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => run((error) => (error ? reject(error) : resolve())));
}
