/** Progress in bytes of input. */
export interface Course {
  readonly total: number;
  /** First and current position. */
  readonly from: number;
  readonly at: number;
  /** Time between them, in milliseconds. */
  readonly elapsedMs: number;
}

/** Before this much time nothing is said: connections are opened then, and what comes first is no measure of the rest. */
const leastMs = 1000;

/** Remaining time at the current rate, in milliseconds; undefined until it can be estimated, and when done. */
export function estimateTimeLeft({ total, from, at, elapsedMs }: Course): number | undefined {
  return elapsedMs < leastMs || at <= from || at >= total ? undefined : (elapsedMs / (at - from)) * (total - at);
}

const units = [
  { name: "s", seconds: 1, most: 90 },
  { name: "min", seconds: 60, most: 90 },
  { name: "h", seconds: 3600, most: 48 },
  { name: "d", seconds: 86_400, most: 99 },
] as const;

/** As a person would say it, such as `~40 s left` or `~3 min left`; it is no more exact than that. */
export function formatTimeLeft(ms: number): string {
  const seconds = ms / 1000;
  const fitting = units.find((unit) => Math.ceil(seconds / unit.seconds) <= unit.most);
  return fitting === undefined
    ? "more than 99 d left"
    : `~${Math.ceil(seconds / fitting.seconds)} ${fitting.name} left`;
}
