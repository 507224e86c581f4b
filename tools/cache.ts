import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { root } from "./root.js";

/**
 * The folder of other people's tools: `DYNAKV_TEST_CACHE`, or `dynakv` in `XDG_CACHE_HOME`, or `~/.cache/dynakv`. All clones
 * share it, and it may be deleted whenever no script runs.
 */
export function toolsFolder(): string {
  const { DYNAKV_TEST_CACHE, XDG_CACHE_HOME } = process.env;
  if (DYNAKV_TEST_CACHE) {
    return resolve(root, DYNAKV_TEST_CACHE);
  }
  // The XDG specification has relative paths ignored.
  const base = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(base, "dynakv");
}

/** Where a script keeps its logs and what it generates from this clone's files; `npm ci` empties it. */
export function scratchFolderOf(script: string): string {
  return join(root, "node_modules", ".cache", script);
}
