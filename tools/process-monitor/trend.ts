import type { Gauge } from "./gauge.js";

export interface Sample extends Gauge {
  /** When it was taken, on any scale. */
  readonly at: number;
}

/** How much a quantity has grown from the first to the last sample, by the straight line that fits all of them best. */
export function growthOf(samples: readonly Sample[], quantity: (sample: Sample) => number): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || first === last) {
    return 0;
  }
  const meanAt = mean(samples.map(({ at }) => at));
  const meanValue = mean(samples.map(quantity));
  let products = 0;
  let squares = 0;
  for (const sample of samples) {
    products += (sample.at - meanAt) * (quantity(sample) - meanValue);
    squares += (sample.at - meanAt) ** 2;
  }
  return squares === 0 ? 0 : (products / squares) * (last.at - first.at);
}

/** What JavaScript holds: objects, and buffers beside them. */
export const heldBytes = ({ heapBytes, externalBytes }: Gauge) => heapBytes + externalBytes;

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

export const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
