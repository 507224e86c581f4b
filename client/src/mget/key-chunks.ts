import { text } from "../arguments/checks.js";
import { sleep } from "../sleep.js";

/** A run of keys for one request. */
export interface KeyChunk {
  /** The position of the first. */
  readonly from: number;
  readonly keys: readonly string[];
}

/** Enough that a stream is worth its start, and so few that several streams share even a set of some ten thousand. */
const maxKeys = 4000;
/** Well below what a server takes in one message, by default 4 MiB. */
const maxLength = 500_000;
/** Time that a chunk waits for further keys of a source that is slow, in milliseconds. */
const patienceMs = 10;

/** Cuts keys, each with a prefix before it, into requests, and reads no further than it is asked to. */
export async function* cutKeys(
  keys: Iterable<string> | AsyncIterable<string>,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<KeyChunk> {
  let from = 0;
  let chunk: string[] = [];
  let length = 0;
  const take = (): KeyChunk => {
    const taken = { from, keys: chunk };
    from += chunk.length;
    chunk = [];
    length = 0;
    return taken;
  };
  const add = (key: string): boolean => {
    if (typeof key !== "string" || !key.isWellFormed()) {
      text(`keys[${from + chunk.length}]`, key);
    }
    chunk.push(prefix + key);
    length += prefix.length + key.length;
    return chunk.length >= maxKeys || length >= maxLength;
  };
  if (Symbol.iterator in keys) {
    for (const key of keys) {
      if (add(key)) {
        yield take();
      }
    }
  } else {
    const source = keys[Symbol.asyncIterator]();
    try {
      for (let next = source.next(); ; next = source.next()) {
        if (chunk.length > 0 && (await isSlow(next, signal))) {
          yield take();
        }
        const { done, value } = await next;
        if (done === true || signal.aborted) {
          break;
        }
        if (add(value)) {
          yield take();
        }
      }
    } finally {
      await source.return?.();
    }
  }
  if (chunk.length > 0) {
    yield take();
  }
}

async function isSlow(next: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  // A source that has keys at hand resolves before any timer does, and is spared one.
  let isHere = false;
  const here = next.then(
    () => {
      isHere = true;
    },
    () => {
      isHere = true;
    },
  );
  for (let turns = 0; turns < 5 && !isHere; turns++) {
    await undefined;
  }
  if (!isHere) {
    await Promise.race([here, sleep(patienceMs, signal)]);
  }
  return !isHere;
}
