const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export function localTime(date: Date): string {
  return format.format(date);
}

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** The largest parts of a duration: of two `3 d 4 h`, `12 min 5 s`, `8 s`; of one `3 d`. */
export function duration(ms: number, mostParts = 2): string {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [name, seconds] of units) {
    const amount = Math.floor(rest / seconds);
    rest -= amount * seconds;
    if (amount > 0 || (parts.length === 0 && name === "s")) {
      parts.push(`${amount} ${name}`);
    } else if (parts.length > 0) {
      break;
    }
    if (parts.length === mostParts) {
      break;
    }
  }
  return parts.join(" ");
}

/** `12 min 5 s ago`. */
export function ago(ms: number, mostParts?: number): string {
  return ms < 1000 ? "just now" : `${duration(ms, mostParts)} ago`;
}

/** The value of an `<input type="datetime-local">`, to the second. */
export function toLocalInput(date: Date): string {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
