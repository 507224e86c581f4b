import type { Item } from "./item-layout.js";

/** Decides how much of one MGet is under way at once, from the sizes of the items seen so far. */
export interface ReadPacer {
  /** How many keys to ask for in the next batch: at most 100, DynamoDB's limit of BatchGetItem. */
  keysPerBatch(): number;
  /** How many batches may be under way or waiting for the reader. */
  concurrency(): number;
  /** Learns from an answer, and returns how many bytes there were in it. */
  observe(items: readonly Item[]): number;
}

const maxKeysPerBatch = 100;
/** A batch aims at no more than this, and all that are under way together at no more than eight times as much. */
const batchBytes = 2 * 1024 * 1024;
const totalBytes = 8 * batchBytes;

/**
 * DynamoDB answers a batch with up to 16 MB, which takes several times that much memory while it is decoded. So large
 * items are read in smaller batches and fewer at once. Until sizes are known, one batch is out, then two, then four.
 */
export function createReadPacer(maxConcurrency: number): ReadPacer {
  let averageBytes = 0;
  let ramp = 1;
  return {
    keysPerBatch() {
      return Math.max(1, Math.min(maxKeysPerBatch, Math.floor(batchBytes / Math.max(1, averageBytes))));
    },
    concurrency() {
      const affordable = Math.floor(totalBytes / Math.max(1, averageBytes * this.keysPerBatch()));
      return Math.max(1, Math.min(maxConcurrency, ramp, affordable));
    },
    observe(items) {
      ramp = Math.min(maxConcurrency, ramp * 2);
      const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0);
      if (items.length > 0) {
        const average = bytes / items.length;
        // Quick to learn that items are large, slow to forget it.
        averageBytes = Math.max(average, averageBytes * 0.8 + average * 0.2);
      }
      return bytes;
    },
  };
}

/** Roughly: what counts is the binary value. */
function itemBytes(item: Item): number {
  let bytes = 100;
  for (const attribute of Object.values(item)) {
    bytes += attribute.B?.length ?? 0;
  }
  return bytes;
}
