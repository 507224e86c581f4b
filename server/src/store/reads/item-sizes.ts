/** Estimate of item sizes by recent reads, available before a read has seen any of its own. */
export interface ItemSizes {
  /** Number of bytes one is likely to have. */
  readonly expectedBytes: number;
  /** Learns the average of an answer. */
  observe(averageBytes: number): void;
}

/** Before anything was read: more than most have, and little enough that many reads can begin. */
const unknownBytes = 16_384;

/** Quick to learn that items are large, slow to forget it. */
export function createItemSizes(): ItemSizes {
  let expectedBytes = unknownBytes;
  return {
    get expectedBytes() {
      return expectedBytes;
    },
    observe(averageBytes) {
      expectedBytes = Math.max(averageBytes, expectedBytes * 0.95 + averageBytes * 0.05);
    },
  };
}
