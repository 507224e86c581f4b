/** Wire types. */
export const varint = 0;
export const delimited = 2;

/** A message has what this reader leaves to protobuf. */
export class UnexpectedBytes extends Error {}

export function tagOf(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

export function varintAt(bytes: Buffer, start: number): number {
  let value = 0;
  let unit = 1;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) {
      break;
    }
    value += (byte & 0x7f) * unit;
    unit *= 0x80;
    if (byte < 0x80) {
      if (Number.isSafeInteger(value)) {
        return value;
      }
      break;
    }
  }
  throw new UnexpectedBytes();
}

export function int64At(bytes: Buffer, start: number): bigint {
  let value = 0n;
  let shift = 0n;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      return BigInt.asIntN(64, value);
    }
  }
}

/** The time at whose length a place is; undefined without one. */
export function timeAt(bytes: Buffer, place: number): Date | undefined {
  if (place === 0) {
    return undefined;
  }
  let seconds = 0;
  let nanos = 0;
  const end = place + 1 + (bytes[place] as number);
  for (let at = place + 1; at < end; ) {
    const isSeconds = bytes[at++] === tagOf(1, varint);
    const value = varintAt(bytes, at);
    if (isSeconds) {
      seconds = value;
    } else {
      nanos = value;
    }
    while ((bytes[at++] as number) >= 0x80) {
      // The rest of the varint.
    }
  }
  return new Date(seconds * 1000 + Math.round(nanos / 1_000_000));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function toText(bytes: Buffer, from: number, to: number): string {
  for (let at = from; at < to; at++) {
    if ((bytes[at] as number) >= 0x80) {
      return decoder.decode(bytes.subarray(from, to));
    }
  }
  return bytes.toString("latin1", from, to);
}
