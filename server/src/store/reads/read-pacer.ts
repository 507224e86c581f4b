import type { AnsweredItems } from "../dynamodb/answered-items.js";
import type { ItemSizes } from "./item-sizes.js";

/** Decides how much of one MGet is in flight at once, from the sizes of the items seen so far. */
export interface ReadPacer {
  /** Keys of the next batch: at most 100, DynamoDB's limit of BatchGetItem. */
  keysPerBatch(): number;
  /** Number of bytes an answer to so many keys is likely to bring. */
  expectedBytes(keys: number): number;
  /** Number of bytes to hold for an answer to so many keys until it has come: less than the largest that there is, to begin with. */
  bytesToHold(keys: number): number;
  /** Returns true if one more batch may be started beside those that are running, when `bytes` are expected or held in all. */
  allows(running: number, bytes: number): boolean;
  /** Learns how large items are from an answer that was not read. */
  expect(averageBytes: number): void;
  /** Learns from an answer, and returns how many bytes there were in it. */
  observe(items: AnsweredItems): number;
}

const maxKeysPerBatch = 100;
/** DynamoDB ends an answer here. */
const maxAnswerBytes = 16 * 1024 * 1024;
/** A batch aims at no more than this. */
const batchBytes = 2 * 1024 * 1024;
/** Bound of bytes requested, and answered but not yet taken. */
const totalBytes = 2 * maxAnswerBytes;

/**
 * An answer takes several times its bytes of memory while it is decoded. So large items are read in smaller batches, and
 * what is in flight is bounded in bytes. Missing keys tell nothing of the size of the others: until an item was seen, an
 * answer counts as the largest that there is, which leaves two batches in flight. From then on it is up to two more with
 * each answer that has items. Where large items follow small ones, the batches in flight can exceed the bound once.
 */
export function createReadPacer(maxConcurrency: number, sizes: ItemSizes): ReadPacer {
  let averageBytes: number | undefined;
  let concurrency = Math.min(maxConcurrency, 2);

  function expectedBytes(keys: number): number {
    return averageBytes === undefined ? maxAnswerBytes : Math.min(maxAnswerBytes, keys * averageBytes);
  }

  function keysPerBatch(): number {
    return Math.max(
      1,
      Math.min(maxKeysPerBatch, Math.floor(batchBytes / Math.max(1, averageBytes ?? sizes.expectedBytes))),
    );
  }

  return {
    keysPerBatch,
    expectedBytes,
    bytesToHold: (keys) => Math.ceil(Math.min(maxAnswerBytes, keys * (averageBytes ?? sizes.expectedBytes))),
    allows(running, bytes) {
      // One is always allowed: without it, what waits for an earlier position would wait forever.
      return running === 0 || (running < concurrency && bytes + expectedBytes(keysPerBatch()) <= totalBytes);
    },
    expect(average) {
      averageBytes = Math.max(average, averageBytes ?? 0);
      sizes.observe(average);
    },
    observe(items) {
      const bytes = items.totalBytes();
      if (items.length > 0) {
        concurrency = Math.min(maxConcurrency, concurrency + 2);
        const average = bytes / items.length;
        // Quick to learn that items are large, slow to forget it.
        averageBytes = Math.max(average, (averageBytes ?? 0) * 0.8 + average * 0.2);
        sizes.observe(average);
      }
      return bytes;
    },
  };
}
