import { Code, ConnectError } from "@connectrpc/connect";
import type { CallRunner } from "../call.js";
import type { ReadOptions } from "../call-options.js";
import { cancellableIterator } from "../cancellable-iterator.js";
import { type Decoder, decodeEntry } from "../decoder.js";
import type { Entry } from "../entry.js";
import { DynakvError, fromResult } from "../errors.js";
import type { FoundResults } from "../results/found-results.js";
import type { FoundPage } from "../results/result-reader.js";
import { toConsistency } from "../write-options.js";
import { readPages } from "./read-pages.js";
import { ScanResult } from "./result.js";

/** Options of scan. */
export interface ScanOptions extends ReadOptions {
  /** Key prefix. The default is all keys. The server reads the whole table in any case. */
  readonly prefix?: string | undefined;
  /** Resume point: the cursor of a page of an earlier scan with the same prefix. The default is from the beginning. */
  readonly cursor?: string | undefined;
}

/** Some results of a scan. */
export interface ScanPage<E = Entry> {
  readonly results: readonly ScanResult<E>[];
  /** With it another scan goes on after this page. */
  readonly cursor: string;
}

/** The results of a scan, which starts when they are first asked for, and each time that they are. */
export interface ScanResults<E = Entry> extends AsyncIterable<ScanResult<E>> {
  /** The same, page by page, for whoever wants to go on later: each page has a cursor. Leaving the loop cancels the scan. */
  pages(): AsyncIterable<ScanPage<E>>;
}

/** Reads all keys, or those with a prefix, in memory that does not grow with their number. */
export function scan<E>(runner: CallRunner, decoder: Decoder<E>, options: ScanOptions): ScanResults<E> {
  const request = {
    prefix: decoder.prefix + (options.prefix ?? ""),
    cursor: options.cursor ?? "",
    consistency: toConsistency(options),
    keysOnly: decoder.metadataOnly === true,
  };

  function toResult(results: FoundResults, nth: number): ScanResult<E> | Promise<ScanResult<E>> {
    const whole = results.key(nth);
    const key = whole.slice(decoder.prefix.length);
    const kind = results.kind(nth);
    if (kind === "error") {
      return new ScanResult<E>(key, { error: fromResult(results.error(nth)) });
    }
    if (kind === undefined) {
      throw new TypeError("unknown kind of result: upgrade the client");
    }
    const entry = results.entry(nth, whole) as Entry;
    return decoder.decode === undefined ? new ScanResult<E>(key, { entry: entry as E }) : change(key, entry);
  }

  async function change(key: string, entry: Entry): Promise<ScanResult<E>> {
    const changed = await decodeEntry(decoder, entry);
    return new ScanResult<E>(key, changed instanceof DynakvError ? { error: changed } : { entry: changed });
  }

  async function toPage({ results, cursor }: FoundPage): Promise<ScanPage<E>> {
    const all = Array.from({ length: results.length }, (_, nth) => toResult(results, nth));
    const isWhole = (page: typeof all): page is ScanResult<E>[] => decoder.decode === undefined;
    return { results: isWhole(all) ? all : await Promise.all(all), cursor };
  }

  function iterate(): AsyncIterator<ScanPage<E>> {
    // No deadline unless one is asked for: a large table may rightly take hours.
    const call = runner.begin(options, 0);
    const messages = readPages(runner, call, request);
    let isOver = false;

    function finish(reason?: unknown): void {
      if (!isOver) {
        isOver = true;
        call.end(reason);
      }
    }

    return cancellableIterator<ScanPage<E>>(
      async () => {
        if (isOver) {
          return { done: true, value: undefined };
        }
        try {
          const { done, value } = await messages.next();
          if (done === true) {
            finish();
            return { done, value: undefined };
          }
          return { done: false, value: await toPage(value) };
        } catch (error) {
          finish(new ConnectError("the scan has failed", Code.Canceled));
          throw error;
        }
      },
      () => finish(new ConnectError("the reader has left", Code.Canceled)),
    );
  }

  const pages = (): AsyncIterable<ScanPage<E>> => ({ [Symbol.asyncIterator]: iterate });
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { results } of pages()) {
        yield* results;
      }
    },
  };
}
