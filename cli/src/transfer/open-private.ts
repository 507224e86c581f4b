import { constants, type FileHandle, open } from "node:fs/promises";

/** For the owner alone: a table holds what not everybody on the machine may read. */
const privateMode = 0o600;

/**
 * Opens a file for writing, and creates it if need be. A symbolic link in its place is an error (ELOOP): in a folder that others write to, it
 * would lead to a file of their choice. Windows has no such flag, and no such folder.
 */
export function openPrivate(path: string, flags: number, mode = privateMode): Promise<FileHandle> {
  return open(path, flags | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), mode);
}
