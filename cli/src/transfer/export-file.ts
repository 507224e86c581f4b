import { access, constants, type FileHandle, lstat, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { CommandError } from "../report-failure.js";
import { checkpointMs, createCheckpoint, unwritable } from "./checkpoint.js";
import type { ExportBatch } from "./export-batches.js";
import { openPrivate } from "./open-private.js";

/** The parameters of an export; a resumed one must have the same. */
export interface ExportRequest {
  readonly prefix: string;
  readonly keysFrom: string | undefined;
  /** Of the file of keys: the cursor counts them, and is of no use with others. */
  readonly keysDigest: string | undefined;
  readonly isNull: boolean;
  /** Of the server: another one has other entries, in another order. */
  readonly address: string;
}

export interface ExportCounts {
  readonly entries: number;
  readonly unreadable: number;
  readonly missing: number;
}

/** Resume state of an export: bytes written so far, and the cursor after them. */
interface ExportState extends ExportRequest, ExportCounts {
  readonly format: "dynakv export 1";
  readonly cursor: string;
  readonly bytes: number;
  /** True if the lines are gathered in another file, which takes the place of the one that is there once all is done. */
  readonly isBeside: boolean;
}

export interface ExportFile {
  readonly cursor: string;
  counts(): ExportCounts;
  write(batch: ExportBatch): Promise<void>;
  /** Everything is written: there is nothing to go on with. */
  finish(): Promise<void>;
  /** Notes how far it has come. Resolves to whether there is something to go on with. */
  close(): Promise<boolean>;
}

/**
 * Takes up the file of an export, at its beginning or where an earlier run has ended. How far it has come is noted in a file beside it;
 * what was written after the last note is cut off and written again, so that no line is lost and none comes twice, however the run
 * before ended. Nothing is changed before there is a batch to write: an export that is refused leaves all as it was. What is
 * overwritten stays until all is done.
 */
export async function openExportFile(
  path: string,
  request: ExportRequest,
  { overwrite }: { readonly overwrite: boolean },
): Promise<ExportFile> {
  const checkpoint = createCheckpoint<ExportState>(
    `${path}.cursor`,
    ({ format, cursor, bytes }) =>
      format === "dynakv export 1" && typeof cursor === "string" && Number.isSafeInteger(bytes),
  );
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() === true) {
    throw new UsageError(`--output: ${path} is a symbolic link; give the file that it leads to`);
  }
  if (found?.isFile() === false) {
    throw new UsageError(`--output: ${path} is not a regular file; choose one, or omit it for stdout`);
  }
  for (const written of found === undefined ? [dirname(path)] : [dirname(path), path]) {
    await access(written, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`--output: ${path} cannot be written (${error.code})`);
    });
  }
  const last = overwrite ? undefined : await checkpoint.read();
  const isBeside = last === undefined ? found !== undefined : last.isBeside;
  const written = isBeside ? `${path}.part` : path;
  if (last !== undefined) {
    const size = (await lstat(written).catch(() => undefined))?.size ?? 0;
    checkSame(written, last, request, { size, noted: checkpoint.path });
  } else if (found !== undefined && !overwrite) {
    // A file without a note is somebody's, and is left alone.
    throw new UsageError(`--output: ${path} already exists; choose another, or pass --overwrite`);
  }
  const nothing = { cursor: "", bytes: 0, entries: 0, unreadable: 0, missing: 0 };
  let state: ExportState = last ?? { format: "dynakv export 1", ...request, ...nothing, isBeside };
  const { cursor: start } = state;
  let noted = state;
  let notedAt = performance.now();
  let opened: FileHandle | undefined;

  async function begin(): Promise<FileHandle> {
    if (opened === undefined) {
      if (last === undefined) {
        // The note comes first, for the same reason.
        await checkpoint.write(state);
      }
      // With the rights of the file whose place it takes: not all may read that.
      opened = await openPrivate(written, constants.O_RDWR, found?.mode);
      await opened.truncate(state.bytes);
    }
    return opened;
  }

  async function note(file: FileHandle): Promise<void> {
    if (state !== noted) {
      // The lines first: the note must not speak of what a loss of power takes away.
      await file.datasync();
      await checkpoint.write(state);
      noted = state;
    }
    notedAt = performance.now();
  }

  /** Node's own errors do not tell which file is full. */
  async function named<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof CommandError ? error : unwritable(written, error);
    }
  }

  return {
    cursor: start,
    counts: () => state,
    write: ({ lines, cursor, entries, unreadable, missing }) =>
      named(async () => {
        const file = await begin();
        for (let done = 0; done < lines.length; ) {
          done += (await file.write(lines, done, lines.length - done, state.bytes + done)).bytesWritten;
        }
        state = {
          ...state,
          cursor,
          bytes: state.bytes + lines.length,
          entries: state.entries + entries,
          unreadable: state.unreadable + unreadable,
          missing: state.missing + missing,
        };
        if (performance.now() - notedAt > checkpointMs) {
          await note(file);
        }
      }),
    finish: () =>
      named(async () => {
        const file = await begin();
        await file.datasync();
        await file.close();
        if (isBeside) {
          await rename(written, path);
        }
        await checkpoint.remove();
      }),
    async close() {
      if (opened === undefined) {
        return last !== undefined;
      }
      try {
        await note(opened);
      } catch {
        // The original failure is reported, not the failed save: the note before is as good, and what comes after it is cut off.
      }
      await opened.close().catch(() => {});
      return true;
    },
  };
}

function checkSame(
  path: string,
  state: ExportState,
  request: ExportRequest,
  { size, noted }: { readonly size: number; readonly noted: string },
): void {
  const advice = "or start over with --overwrite";
  if (state.prefix !== request.prefix || state.keysFrom !== request.keysFrom || state.isNull !== request.isNull) {
    throw new UsageError(
      `${noted} belongs to an export with another --prefix, --keys-from or --null; resume with the same, ${advice}`,
    );
  }
  if (state.keysDigest !== request.keysDigest) {
    throw new UsageError(`--keys-from: ${request.keysFrom} has changed since ${noted} was written; ${advice.slice(3)}`);
  }
  if (state.address !== request.address) {
    throw new UsageError(
      `${noted} belongs to an export from another server (${state.address}); resume with the same --address, ${advice}`,
    );
  }
  if (size < state.bytes) {
    throw new UsageError(`${path} has ${size} bytes of the ${state.bytes} that ${noted} tells of; ${advice.slice(3)}`);
  }
}
