import type { DynakvClient, MGetResult, ScanResult } from "@dynakv/client";
import { toErrorJson } from "../entry-json.js";
import { formatLine } from "./entry-line.js";

/** Some lines of an export, and where it goes on after them. */
export interface ExportBatch {
  readonly lines: Buffer;
  readonly entries: number;
  /** Number of keys that could not be read; they have a line that says so. */
  readonly unreadable: number;
  /** Requested keys without an entry; they have no line. */
  readonly missing: number;
  readonly cursor: string;
  /** Number of bytes of the file of keys that are done, where there is one. */
  readonly inputDone?: number;
}

interface ReadOptions {
  readonly consistency: "strong" | "eventual";
  readonly timeoutMs: number | undefined;
}

/** All entries whose keys begin with a prefix. */
export async function* scanBatches(
  client: DynakvClient,
  options: ReadOptions & { readonly prefix: string; readonly cursor: string },
): AsyncGenerator<ExportBatch> {
  for await (const { results, cursor } of client.scan(options).pages()) {
    yield toBatch(results, cursor);
  }
}

/** A batch of keys that were asked for ends at so many results, or at so many bytes of values. */
const maxResults = 200;
const maxBytes = 1024 * 1024;

interface KeyOptions extends ReadOptions {
  /** Number of keys earlier runs have done. */
  readonly done: number;
  /** End offsets of the keys taken, in order; removed as they complete. */
  readonly ends: number[];
}

/** The entries at some keys, in their order. The cursor is how many keys are done. */
export async function* keyBatches(
  client: DynakvClient,
  keys: AsyncIterable<string>,
  { done, ends, ...options }: KeyOptions,
): AsyncGenerator<ExportBatch> {
  let results: MGetResult[] = [];
  let bytes = 0;
  let count = done;
  const take = () => {
    const [inputDone = 0] = ends.splice(0, results.length).slice(-1);
    const batch = { ...toBatch(results, String(count)), inputDone };
    results = [];
    bytes = 0;
    return batch;
  };
  for await (const result of client.mget(keys, { ...options, order: "request" })) {
    results.push(result);
    count++;
    bytes += result.error === undefined && result.entry?.kind === "value" ? result.entry.value.length : 0;
    if (results.length >= maxResults || bytes >= maxBytes) {
      yield take();
    }
  }
  if (results.length > 0) {
    yield take();
  }
}

function toBatch(results: readonly (ScanResult | MGetResult)[], cursor: string): ExportBatch {
  let lines = "";
  const counts = { entries: 0, unreadable: 0, missing: 0 };
  for (const result of results) {
    if (result.error?.retryable === true) {
      // One that is away for now is not left out.
      throw result.error;
    }
    if (result.error !== undefined) {
      lines += `${JSON.stringify(toErrorJson(result.key, result.error))}\n`;
      counts.unreadable++;
    } else if (result.entry === undefined) {
      counts.missing++;
    } else {
      lines += formatLine(result.entry);
      counts.entries++;
    }
  }
  return { lines: Buffer.from(lines), cursor, ...counts };
}
