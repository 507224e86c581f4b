/** How far work has come that is measured in bytes of its input. */
export interface Course {
  readonly total: number;
  /** Where it stood when it was first looked at, and where it stands now. */
  readonly from: number;
  readonly at: number;
  /** What lies between, in milliseconds. */
  readonly elapsedMs: number;
}

/** Before this much time nothing is said: connections are opened then, and what comes first is no measure of the rest. */
const leastMs = 1000;

/** How long it takes on at the pace so far, in milliseconds; undefined while nobody can tell, and once it is done. */
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
