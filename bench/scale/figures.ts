/**
 * What one call costs, as measured on the endpoint that answers at once (docs/bench.md): microseconds of CPU of the server and of the
 * caller. All processes share two cores there; on a quiet machine with more of them it is rather less.
 */
export interface CallCost {
  readonly server: number;
  readonly caller: number;
}

/** With values of 1 KB, one call at a time for each connection: nothing to do together. */
export const loneCosts = {
  get: { server: 460, caller: 330 },
  set: { server: 505, caller: 346 },
  incr: { server: 663, caller: 426 },
} as const satisfies Record<string, CallCost>;

/** With 64 calls of one client in flight, which travel and are read together where they may. */
export const busyCosts = {
  get: { server: 41, caller: 44 },
  set: { server: 158, caller: 127 },
  incr: { server: 216, caller: 176 },
  /** A key of a large MGet. */
  mgetKey: { server: 8, caller: 6 },
  /** A call on a key or a counter that 256 others want at the same time. */
  hotGet: { server: 2.5, caller: 14.5 },
  hotIncr: { server: 4, caller: 17 },
} as const satisfies Record<string, CallCost>;

/** What a further kilobyte of a value adds. */
export const perKilobyte: CallCost = { server: 13, caller: 5 };

/** The same calls by the SDK, tuned, in each caller. A key of an MGet is one of a BatchGetItem, eight in flight. */
export const sdkCosts = { get: 384, set: 450, incr: 436, mgetKey: 13 } as const;
/** What a further kilobyte adds for the SDK. */
export const sdkPerKilobyte = 11;

/** What a process of the server holds when idle, and what a connection and a stream that is read slowly add, in bytes. */
export const memory = { idle: 92e6, connection: 60e3, stream: 700e3 } as const;

/** DynamoDB's limits, from its Developer Guide. */
export const limits = {
  /** Read units and write units of one partition, and so of one key, a second. */
  partitionReads: 3000,
  partitionWrites: 1000,
  /** Of a table with on-demand capacity, unless more is asked for. */
  tableUnits: 40_000,
  itemBytes: 409_600,
} as const;

/** On demand in us-east-1, in dollars a million. */
export const prices = { reads: 0.125, writes: 0.625 } as const;
