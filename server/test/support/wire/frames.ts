/** HTTP/2 as bytes: RFC 9113 for the frames, RFC 7541 for the header blocks. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
  /** The length that is announced, when it is not that of the payload. */
  readonly length?: number;
}

export function encodeFrame({ type, flags, stream, payload, length = payload.length }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length & 0xffffff, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export function encodeFrames(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map(encodeFrame));
}

export function uint32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, index) => {
    bytes.writeUInt32BE(number >>> 0, index * 4);
  });
  return bytes;
}

export function settingsFrame(...pairs: readonly (readonly [id: number, value: number])[]): Frame {
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value >>> 0, index * 6 + 2);
  });
  return { type: frameTypes.settings, flags: 0, stream: 0, payload };
}

/** HPACK's integers, after a prefix of so many bits. */
export function hpackInteger(value: number, prefixBits: number, pattern: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) {
    return Buffer.of(pattern | value);
  }
  const bytes = [pattern | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackInteger(bytes.length, 7, 0), bytes]);
}

/** A header field in full, which enters no table unless told to. */
export function hpackField(name: string, value: string, isIndexed = false): Buffer {
  return Buffer.concat([Buffer.of(isIndexed ? 0x40 : 0), hpackString(name), hpackString(value)]);
}

export function headerBlock(fields: Iterable<readonly [string, string]>): Buffer {
  return Buffer.concat([...fields].map(([name, value]) => hpackField(name, value)));
}

/** The frames that have come, as far as they are whole. */
export function* readFrames(bytes: Buffer): Generator<Frame> {
  for (let at = 0; at + 9 <= bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) {
      return;
    }
    const [type = 0, flags = 0] = bytes.subarray(at + 3);
    yield { type, flags, stream: bytes.readUInt32BE(at + 5) & 0x7fffffff, payload: bytes.subarray(at + 9, end) };
    at = end;
  }
}
