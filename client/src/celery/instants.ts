const form =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d(?::?\d\d(?:\.\d{1,6})?)?)?$/;

/** An instant that Python's `isoformat` has written. */
export interface Instant {
  /** Since 1970, cut to whole milliseconds. */
  readonly ms: number;
  /** Without one it is taken for UTC. */
  readonly hasOffset: boolean;
}

/** Undefined when a text is none, or names a day that the calendar does not have. */
export function instantOf(text: string): Instant | undefined {
  const [, date = "", minutes, seconds = "00", fraction = "", offset] = form.exec(text) ?? [];
  const local = Date.parse(`${date}T${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, "0")}Z`);
  // 31 February would be a day in March.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(date)) {
    return undefined;
  }
  return { ms: Math.floor(local - offsetMs(offset)), hasOffset: offset !== undefined };
}

function offsetMs(offset = "Z"): number {
  const [, sign, hours, minutes, seconds = 0] = /^([+-])(\d\d):?(\d\d):?([\d.]+)?$/.exec(offset) ?? [];
  return sign === undefined
    ? 0
    : (sign === "-" ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}
