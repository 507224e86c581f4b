/** Protobuf's wire format, as far as messages are written by hand: https://protobuf.dev/programming-guides/encoding */

const delimited = 2;
/** Shorter bytes are copied faster one by one than by a call into native code. */
const copiedByHand = 24;

/** The bytes of a number from 0 to 2^53 - 1 as a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= 0x80; left = left / 0x80) {
    size++;
  }
  return size;
}

/** The bytes of a delimited field with this much in it, and a number below 16. */
export function delimitedSize(bytes: number): number {
  return 1 + varintSize(bytes) + bytes;
}

/** Each of these returns where what it has written ends. */
export function writeVarint(frame: Buffer, start: number, value: number): number {
  let at = start;
  let left = value;
  while (left >= 0x80) {
    frame[at++] = (left % 0x80) | 0x80;
    left = Math.floor(left / 0x80);
  }
  frame[at++] = left;
  return at;
}

/** Writes tag and length of a delimited field. */
export function writeHead(frame: Buffer, start: number, field: number, bytes: number): number {
  frame[start] = (field << 3) | delimited;
  return writeVarint(frame, start + 1, bytes);
}

export function writeBytes(
  frame: Buffer,
  start: number,
  field: number,
  source: Buffer,
  from: number,
  to: number,
): number {
  let at = writeHead(frame, start, field, to - from);
  if (to - from > copiedByHand) {
    return at + source.copy(frame, at, from, to);
  }
  for (let each = from; each < to; each++) {
    frame[at++] = source[each] as number;
  }
  return at;
}

export function writeText(frame: Buffer, start: number, field: number, text: string, bytes: number): number {
  const at = writeHead(frame, start, field, bytes);
  return at + frame.write(text, at);
}

/** The size of a google.protobuf.Timestamp. */
export function timeSize(seconds: number, nanos: number): number {
  return (seconds === 0 ? 0 : 1 + varintSize(seconds)) + (nanos === 0 ? 0 : 1 + varintSize(nanos));
}

const secondsField = 1;
const nanosField = 2;

export function writeTime(frame: Buffer, start: number, field: number, seconds: number, nanos: number): number {
  let at = writeHead(frame, start, field, timeSize(seconds, nanos));
  if (seconds !== 0) {
    frame[at++] = secondsField << 3;
    at = writeVarint(frame, at, seconds);
  }
  if (nanos !== 0) {
    frame[at++] = nanosField << 3;
    at = writeVarint(frame, at, nanos);
  }
  return at;
}
