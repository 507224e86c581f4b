import type { MetricDefinition } from "./definitions.js";

/**
 * Counters: plain numbers, each found once and then changed in place, since a call costs some forty microseconds in all.
 * prom-client's own counters look up their labels each time, a microsecond for each; it gets these when the page is asked for.
 */
export interface Cell {
  value: number;
}

/** One line of the page, as prom-client has it. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** All that one metric has to say, as prom-client takes it from its own metrics, and hands it from worker to primary. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly Sample[];
}

/** A metric, and its cells by the values of its labels. */
export interface CellFamily<T> {
  /** The cell for values of the labels; made at the first time, and from then on part of the page. */
  cell(...values: readonly string[]): T;
  read(): MetricFamily;
}

/** A counter, or a gauge that is changed as things happen. */
export function createValues(definition: MetricDefinition): CellFamily<Cell> {
  return createFamily(
    definition,
    () => ({ value: 0 }),
    ({ value }, labels) => [{ labels, value }],
  );
}

/** A gauge whose value is asked for when the page is. */
export function createReadGauge(definition: MetricDefinition, read: () => number): Pick<CellFamily<Cell>, "read"> {
  return { read: () => toFamily(definition, [{ labels: {}, value: read() }]) };
}

/** Counts values by the bucket that they fall into. */
export class HistogramCell {
  readonly bounds: readonly number[];
  /** One more than there are bounds, for what is above all of them. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) {
      index++;
    }
    counts[index] = (counts[index] as number) + 1;
    this.sum += value;
  }
}

export function createHistogram(definition: MetricDefinition): CellFamily<HistogramCell> {
  const { name, buckets = [] } = definition;
  return createFamily(
    definition,
    () => new HistogramCell(buckets),
    ({ bounds, counts, sum }, labels) => {
      let count = 0;
      const samples = counts.map((each, index) => {
        count += each;
        return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? "+Inf" }, value: count };
      });
      return [
        ...samples,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    },
  );
}

function createFamily<T>(
  definition: MetricDefinition,
  create: () => T,
  toSamples: (cell: T, labels: Readonly<Record<string, string>>) => readonly Sample[],
): CellFamily<T> {
  const { labels } = definition;
  const cells = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly cell: T }>();
  return {
    cell(...values) {
      const key = values.join("\0");
      let found = cells.get(key);
      if (found === undefined) {
        const named = labels.map((label, index) => [label, values[index] ?? ""]);
        found = { labels: Object.fromEntries(named), cell: create() };
        cells.set(key, found);
      }
      return found.cell;
    },
    read: () =>
      toFamily(
        definition,
        [...cells.values()].flatMap(({ labels, cell }) => toSamples(cell, labels)),
      ),
  };
}

function toFamily(definition: MetricDefinition, values: readonly Sample[]): MetricFamily {
  const { name, help, type, aggregator = "sum" } = definition;
  return { name, help, type, aggregator, values };
}
