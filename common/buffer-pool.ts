/** Buffers that are used again and again, for what is large and soon over: each that is left to the collector brings it on earlier. */
export interface BufferPool {
  /** A buffer of so many bytes, with anything in it. */
  take(bytes: number): Buffer;
  /** Gives one back. Nobody may read or write it, or a view of it, from then on. */
  give(buffer: Buffer): void;
}

/** Buffers have multiples of this. Smaller ones are not worth it. */
const unit = 64 * 1024;
/** Larger ones are rare, and would take the room of many. */
const largest = 4 * 1024 * 1024;

/** @param mostBytes how much is kept at most for later */
export function createBufferPool(mostBytes: number): BufferPool {
  /** By their size in units. */
  const free: Buffer[][] = [];
  let freeBytes = 0;
  return {
    take(bytes) {
      if (bytes < unit / 2 || bytes > largest) {
        return Buffer.allocUnsafeSlow(bytes);
      }
      const units = Math.ceil(bytes / unit);
      const kept = free[units]?.pop();
      freeBytes -= kept?.length ?? 0;
      return (kept ?? Buffer.allocUnsafeSlow(units * unit)).subarray(0, bytes);
    },
    give({ buffer, byteOffset }) {
      const size = buffer.byteLength;
      // Anything else is none of the pool's.
      if (byteOffset !== 0 || size % unit !== 0 || size > largest || freeBytes + size > mostBytes) {
        return;
      }
      const units = size / unit;
      free[units] ??= [];
      free[units].push(Buffer.from(buffer));
      freeBytes += size;
    },
  };
}
