import type { Instant } from "./entry.js";
import type { EntryView } from "./entry-view.js";

/** Celery writes the time as a float of epoch seconds. */
export function formatSeconds(nowMs: number): string {
  return (nowMs / 1000).toString();
}

const time: Pick<EntryView, "writeSeconds" | "writeNanos"> = { writeSeconds: undefined, writeNanos: 0 };

export function parseInstant(text: string | undefined): Instant | undefined {
  readInstant(text, time);
  const { writeSeconds, writeNanos } = time;
  return writeSeconds === undefined ? undefined : { seconds: BigInt(writeSeconds), nanos: writeNanos };
}

const zero = 0x30;
const nine = 0x39;
const point = 0x2e;
const maxSecondDigits = 12;
/** The end of the year 9999, past which neither google.protobuf.Timestamp nor JSON can tell a time. */
const lastSecond = 253_402_300_799;

/**
 * Read digit by digit from a text such as `1790000000.123`, since a float64 of epoch seconds is off by up to 120 nanoseconds. Anything
 * else is no time.
 */
export function readInstant(text: string | undefined, into: Pick<EntryView, "writeSeconds" | "writeNanos">): void {
  into.writeSeconds = undefined;
  into.writeNanos = 0;
  if (text === undefined) {
    return;
  }
  let seconds = 0;
  let at = 0;
  for (; at < text.length && text.charCodeAt(at) !== point; at++) {
    const digit = text.charCodeAt(at);
    if (digit < zero || digit > nine || at >= maxSecondDigits) {
      return;
    }
    seconds = seconds * 10 + digit - zero;
  }
  if (at === 0 || at === text.length - 1 || seconds > lastSecond) {
    return;
  }
  let nanos = 0;
  let unit = 1e8;
  for (at++; at < text.length; at++) {
    const digit = text.charCodeAt(at);
    if (digit < zero || digit > nine) {
      return;
    }
    nanos += (digit - zero) * unit;
    unit = unit < 10 ? 0 : unit / 10;
  }
  into.writeSeconds = seconds;
  into.writeNanos = nanos;
}
