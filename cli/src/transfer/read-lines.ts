/** One line of a file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Its text without the newline, or what is wrong with it. */
  readonly text: string | undefined;
  readonly problem: "is not UTF-8" | "is too long" | undefined;
  /** Offset of its end in the file. */
  readonly end: number;
  readonly bytes: number;
}

export interface ReadLinesOptions {
  /** Line terminator. The default is a newline. */
  readonly separator?: number;
  /** A line that is longer is passed over without being held. The default is 64 MiB. */
  readonly maxBytes?: number;
  /** Offset of the first byte, and the number of lines before it. The defaults are 0. */
  readonly from?: number;
  readonly linesBefore?: number;
}

const newline = 0x0a;

/** Cuts bytes into lines, the last of which need not be ended, and holds one line at most. */
export async function* readLines(chunks: AsyncIterable<Buffer>, options: ReadLinesOptions = {}): AsyncGenerator<Line> {
  const { separator = newline, maxBytes = 64 * 1024 * 1024, from = 0, linesBefore = 0 } = options;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = linesBefore;
  let end = from;
  let parts: Buffer[] = [];
  let bytes = 0;

  function hold(part: Buffer): void {
    bytes += part.length;
    parts = bytes > maxBytes ? [] : [...parts, part];
  }

  function take(): Line {
    const line = { number: ++number, end, bytes };
    const held = parts;
    const isTooLong = bytes > maxBytes;
    parts = [];
    bytes = 0;
    if (isTooLong) {
      return { ...line, text: undefined, problem: "is too long" };
    }
    try {
      return { ...line, text: decoder.decode(held.length === 1 ? held[0] : Buffer.concat(held)), problem: undefined };
    } catch {
      return { ...line, text: undefined, problem: "is not UTF-8" };
    }
  }

  for await (const chunk of chunks) {
    let start = 0;
    for (let found = chunk.indexOf(separator); found >= 0; found = chunk.indexOf(separator, start)) {
      hold(chunk.subarray(start, found));
      end += found + 1 - start;
      start = found + 1;
      yield take();
    }
    if (start < chunk.length) {
      hold(chunk.subarray(start));
      end += chunk.length - start;
    }
  }
  if (bytes > 0) {
    yield take();
  }
}
