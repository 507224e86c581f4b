import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** Less would keep out a single large request. */
const leastBytes = 48 * 1024 * 1024;
/** Decoding and encoding multiply the bytes held, and garbage is collected late. */
const memoryShare = 1 / 8;
/** Keys and small items lie in V8's heap. */
const heapShare = 1 / 6;

/**
 * Memory limit of one of several processes, in bytes, by the memory available: the limit of the control group, or
 * all of the machine's where there is none, and what `--max-old-space-size` leaves to V8's heap.
 */
export function memoryLimit(processes = 1): number {
  const { heap_size_limit: heap } = getHeapStatistics();
  const whole = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()) / processes;
  return Math.round(Math.max(leastBytes, Math.min(whole * memoryShare, heap * heapShare)));
}
