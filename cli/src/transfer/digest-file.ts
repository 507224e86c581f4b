import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { UsageError } from "../../../common/command-line/usage-error.js";

/** So much of a file is looked at: enough to tell two files apart, and where one was changed. */
const digestedBytes = 64 * 1024;

/** A digest of what stands before an offset: a file that has only grown after it has the same. */
export async function digestBefore(path: string, offset: number, label: string): Promise<string> {
  return withFile(path, label, async (read) => {
    // Nothing is before the first byte.
    return offset === 0 ? "" : digest(await read(Math.max(0, offset - digestedBytes), offset));
  });
}

/** A digest of a file's size, its beginning and its end: a list of keys may be too long to be read twice. */
export async function digestEnds(path: string, label: string): Promise<string> {
  return withFile(path, label, async (read, { size, isFile }) => {
    if (!isFile) {
      throw new UsageError(`${label}: ${path} is no file that can be read again`);
    }
    const ends = [await read(0, Math.min(size, digestedBytes)), await read(Math.max(0, size - digestedBytes), size)];
    return digest(Buffer.from(`${size}\n`), ...ends);
  });
}

type Read = (from: number, to: number) => Promise<Buffer>;

interface Found {
  readonly size: number;
  readonly isFile: boolean;
}

async function withFile<T>(path: string, label: string, work: (read: Read, found: Found) => Promise<T>): Promise<T> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${label}: ${path} cannot be read (${error.code})`);
  });
  try {
    const found = await file.stat();
    const read = async (from: number, to: number) => {
      // Node refuses to read nothing.
      if (to === from) {
        return Buffer.alloc(0);
      }
      const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead);
    };
    return await work(read, { size: found.size, isFile: found.isFile() });
  } finally {
    await file.close();
  }
}

function digest(...parts: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest("base64url");
}
