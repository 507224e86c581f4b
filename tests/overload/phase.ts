/** What is called, and how often, for a while. */
export interface PhaseLoad {
  readonly call: CallKind;
  /** Calls a second, by a schedule that does not wait for answers; undefined: a fixed number are in flight at any time. */
  readonly rate: number | undefined;
  readonly deadlineMs: number;
  readonly milliseconds: number;
}

/** `get` reads one value, `mget` many small ones: the work of many Gets for the server, and of few for who calls. */
export type CallKind = "get" | "mget";

/** What became of the calls that were due in one second, or in all of a phase. */
export interface Outcomes {
  readonly seconds: number;
  /** Calls that were due. */
  readonly offered: number;
  /** Answered within their deadline. */
  readonly good: number;
  /** Refused with RESOURCE_EXHAUSTED. */
  readonly refused: number;
  /** Neither, when the deadline had passed. */
  readonly late: number;
  /** Failed in another way. */
  readonly failed: number;
  /** Latency of those that were not refused, from when they were due, in milliseconds; infinite when too many were late. */
  readonly p50: number;
  readonly p99: number;
  /** How long a refusal took, at most by one in a hundred, in milliseconds. */
  readonly refusedP99: number;
}

export interface PhaseResult extends Outcomes {
  /** Second by second. */
  readonly bySecond: readonly Outcomes[];
  /** By how much calls were sent too late, at most by one in a hundred, in milliseconds: more than a few, and who calls is the limit. */
  readonly lagP99: number;
  /** The share of a core that calling took. */
  readonly callerShare: number;
}
