const hourAndMinute = "(?:[01]\\d|2[0-3]):[0-5]\\d";
const timePattern = new RegExp(
  `^(\\d{4}-\\d\\d-\\d\\d)T${hourAndMinute}(?::[0-5]\\d(?:\\.\\d+)?)?(?:Z|[+-]${hourAndMinute})$`,
);
const dayPattern = /^\d{4}-\d\d-\d\d$/;

/**
 * A time such as `2030-01-31T12:00:00Z`. It says how far it is from UTC: without that it would be another time on each machine.
 * Undefined for what is no time, and for a day that does not exist.
 */
export function parseTime(text: string): Date | undefined {
  const day = timePattern.exec(text)?.[1];
  return day !== undefined && isDay(day) ? new Date(text) : undefined;
}

/** The same, or a day such as `2030-01-31`, which is its midnight in UTC. */
export function parseDayOrTime(text: string): Date | undefined {
  return dayPattern.test(text) ? (isDay(text) ? new Date(text) : undefined) : parseTime(text);
}

/** `Date` makes 2 March of 31 February, rather than saying that there is none. */
function isDay(text: string): boolean {
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
