import { createReadStream, open } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { addAbortSignal, type Readable } from "node:stream";
import { promisify } from "node:util";
import { UsageError } from "../../common/command-line/usage-error.js";

export interface InputOptions {
  /** The byte from which on a file is read. The default is its first. */
  readonly from?: number;
  /** Ends the reading with its reason, also while no more comes. */
  readonly signal?: AbortSignal;
}

/** The bytes of a file that a flag or an argument names, which may be a pipe; `-` is stdin. */
export async function* readInput(
  file: string,
  label: string,
  { from = 0, signal }: InputOptions = {},
): AsyncGenerator<Buffer> {
  try {
    const stream: Readable = file === "-" ? process.stdin : await openInput(file, from);
    yield* signal === undefined ? stream : addAbortSignal(signal, stream);
  } catch (error) {
    signal?.throwIfAborted();
    throw new UsageError(`${label}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "it failed"})`);
  }
}

async function openInput(file: string, from: number): Promise<Readable> {
  if ((await stat(file)).isFIFO()) {
    // As a file, a pipe that nobody writes to could not be left: not even the process would end.
    return new Socket({ fd: await promisify(open)(file, "r"), writable: false });
  }
  // A device has no place to start from.
  return createReadStream(file, { ...(from === 0 ? {} : { start: from }), highWaterMark: 256 * 1024 });
}

/** Checks for a regular file, whose processing can be resumed, and its size. */
export async function lookAtInput(
  file: string,
  label: string,
): Promise<{ readonly isFile: boolean; readonly size: number | undefined }> {
  if (file === "-") {
    return { isFile: false, size: undefined };
  }
  try {
    const found = await stat(file);
    return found.isFile() ? { isFile: true, size: found.size } : { isFile: false, size: undefined };
  } catch (error) {
    throw new UsageError(`${label}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Stands for stdin where an argument is left out. Refuses a terminal. */
export function stdinOr(label: string): "-" {
  if (process.stdin.isTTY) {
    throw new UsageError(`no ${label}: give it as an argument, by a flag, or to stdin`);
  }
  return "-";
}
