/**
 * What the console charts, of one process: counters since its start, of which two readings make a rate, and gauges. No key, value or
 * name of a caller is among them.
 */
export interface Figures {
  /** Another one after a restart, or from another worker: its counters have nothing to do with those of before. */
  readonly instance: string;
  /** When it was read, in milliseconds, by a clock that does not jump. */
  readonly atMs: number;
  readonly methods: Readonly<Record<string, MethodFigures>>;
  /** The upper bounds of the buckets of durations, in seconds; one more is for what is above all of them. */
  readonly durationBounds: readonly number[];
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly throttles: number;
  readonly shed: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly connections: number;
}

export interface MethodFigures {
  readonly ok: number;
  readonly failed: number;
  /** Calls by the bucket of their duration, each without those of the buckets before. */
  readonly durations: readonly number[];
}
