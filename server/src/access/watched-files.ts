import { readFile, stat } from "node:fs/promises";
import type { Logger } from "pino";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { decodeUtf8 } from "../../../common/decode-utf8.js";

export interface WatchedFilesOptions<T> {
  /** Name in errors and the log, such as `tokensFile`. */
  readonly name: string;
  /** Those that belong together: whenever one changes, all are loaded. */
  readonly paths: readonly string[];
  /** Makes something of their texts, or throws a UsageError. */
  readonly load: (texts: readonly string[]) => T;
  /** Hears of each that is loaded after the first. */
  readonly onReload?: (loaded: T) => void;
  readonly logger: Logger;
}

/** The parsed content of watched files. */
export interface WatchedFiles<T> {
  readonly current: T;
  close(): void;
}

/** No file of tokens, keys or rules that is meant to be one is longer. */
const maxFileBytes = 4_194_304;

/** Polling interval in milliseconds. */
const pollMs = 1000;

/**
 * Loads files, and again whenever they change. What cannot be loaded leaves what was loaded before, with a warning, and is tried
 * again: of a certificate and a key, one is always written first.
 *
 * The files are read at each poll, since nothing less is sure: Kubernetes exchanges a link far above the
 * file, others rename a new file over it, and a file that is written twice within a tick of the clock looks unchanged.
 *
 * @throws UsageError when they cannot be loaded the first time
 */
export async function watchFiles<T>(options: WatchedFilesOptions<T>): Promise<WatchedFiles<T>> {
  const { name, paths, load, onReload, logger } = options;
  const read = () => Promise.all(paths.map((path) => readBounded(path, `${name} ${path}`)));
  let texts = await read();
  let current = load(texts);
  let problem: string | undefined;
  let isClosed = false;
  let timer = setTimeout(poll, pollMs).unref();

  async function poll(): Promise<void> {
    try {
      const found = await read();
      if (isClosed) {
        return;
      }
      if (found.some((text, index) => text !== texts[index])) {
        current = load(found);
        texts = found;
        logger.info({ files: paths }, `${name}: reloaded`);
        onReload?.(current);
      }
      problem = undefined;
    } catch (error) {
      // A defect is told like a bad file: the message of anything but a UsageError might quote what it stumbled over.
      const why = error instanceof UsageError ? error.message : `${name}: cannot be loaded`;
      if (why !== problem && !isClosed) {
        logger.warn(`${why}; keeping the version loaded before until the file is fixed`);
      }
      problem = why;
    }
    if (!isClosed) {
      timer = setTimeout(poll, pollMs).unref();
    }
  }

  return {
    get current() {
      return current;
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Reads a file of the operator's.
 *
 * @throws UsageError
 */
export async function readBounded(path: string, label: string): Promise<string> {
  try {
    const found = await stat(path);
    // A pipe would be waited for, and could be read only once.
    if (!found.isFile()) {
      throw new UsageError(`${label}: is not a file`);
    }
    if (found.size > maxFileBytes) {
      throw new UsageError(`${label}: has ${found.size} bytes; at most ${maxFileBytes} are read`);
    }
    const text = decodeUtf8(await readFile(path));
    if (text === undefined) {
      throw new UsageError(`${label}: is not UTF-8`);
    }
    return text;
  } catch (error) {
    if (error instanceof UsageError) {
      throw error;
    }
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new UsageError(`${label}: cannot be read${code}`);
  }
}
