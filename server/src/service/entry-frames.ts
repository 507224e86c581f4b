import { createBufferPool } from "../../../common/buffer-pool.js";
import { envelopeBytes } from "../../../common/envelope.js";
import { createEntryView, type EntryView } from "../store/layout/entry-view.js";
import { maxResults, maxValueBytes } from "./message-limits.js";
import { lastExpiryMs, nanosOf, secondsOf } from "./messages.js";
import {
  delimitedSize,
  timeSize,
  varintSize,
  writeBytes,
  writeHead,
  writeText,
  writeTime,
  writeVarint,
} from "./wire-format.js";

/** Results of which messages are to be made. */
export interface ResultSource {
  readonly length: number;
  /** The body in which a view finds things. */
  readonly body: Buffer;
  /** The position that a result answers, where results have one. */
  index?(nth: number): number;
  key(nth: number): string;
  /** Views what there is. False where it cannot be viewed: its result is then encoded. */
  view(nth: number, view: EntryView): boolean;
  /** A result as protobuf has it; undefined where none is to be written. */
  encode(nth: number): Uint8Array | undefined;
  /** The cursor of a message whose results end before the given one, where messages have one. */
  cursor?(end: number): string;
}

/** The numbers of the fields, where they differ between messages; results are in field 1. Without `missing`, nothing tells of those. */
export interface ResultFields {
  readonly key: number;
  readonly entry: number;
  readonly missing?: number;
}

const frames = createBufferPool(8 * 1024 * 1024);

/** Takes a message back whose bytes nobody needs any more, for others. */
export function reuseFrame(frame: Buffer): void {
  frames.give(frame);
}

/** Views of the results of one message, reused because a message is written as soon as it is measured. */
const views = Array.from({ length: maxResults }, createEntryView);
const places = new Int32Array(maxResults);
const sizes = new Int32Array(maxResults);
const entrySizes = new Int32Array(maxResults);
const encoded: (Uint8Array | undefined)[] = Array.from({ length: maxResults });

/**
 * Writes messages of results byte by byte, each in an envelope, which is what protobuf makes of them. What lies in the answer as it
 * is needed is copied from there to its place, and nothing else is made of it.
 */
export function* writeFrames(source: ResultSource, fields: ResultFields): Generator<Buffer> {
  let start = 0;
  do {
    let count = 0;
    let size = 0;
    let end = start;
    for (let bytes = 0; end < source.length && count < maxResults && bytes < maxValueBytes; end++) {
      const resultSize = measure(source, fields, end, count);
      if (resultSize >= 0) {
        places[count] = end;
        sizes[count++] = resultSize;
        bytes += resultSize;
        size += delimitedSize(resultSize);
      }
    }
    const cursor = source.cursor?.(end);
    const cursorSize = cursor === undefined ? 0 : Buffer.byteLength(cursor);
    size += cursor === undefined ? 0 : delimitedSize(cursorSize);
    const frame = frames.take(envelopeBytes + size);
    frame[0] = 0;
    frame.writeUInt32BE(size, 1);
    let at = envelopeBytes;
    for (let nth = 0; nth < count; nth++) {
      at = writeResult(frame, at, source, fields, nth);
    }
    if (cursor !== undefined) {
      writeText(frame, at, cursorField, cursor, cursorSize);
    }
    yield frame;
    start = end;
  } while (start < source.length);
}

const resultField = 1;
/** Of a scan's message. */
const cursorField = 2;
/** Of a result that has one. */
const indexField = 1;
const entryFields = { value: 1, writeTime: 3, expireTime: 4, etag: 5 } as const;

/** The size of a result; -1 where none is to be written. */
function measure(source: ResultSource, fields: ResultFields, place: number, nth: number): number {
  const view = views[nth] as EntryView;
  encoded[nth] = undefined;
  if (!source.view(place, view)) {
    const result = source.encode(place);
    encoded[nth] = result;
    return result?.length ?? -1;
  }
  if (!view.isThere && fields.missing === undefined) {
    return -1;
  }
  const index = source.index?.(place) ?? 0;
  const indexSize = index === 0 ? 0 : 1 + varintSize(index);
  if (!view.isThere) {
    return indexSize + delimitedSize(Buffer.byteLength(source.key(place))) + 2;
  }
  const etag = view.etagTo - view.etagFrom;
  const expiry = expiryOf(view);
  const size =
    delimitedSize(view.valueTo - view.valueFrom) +
    (view.writeSeconds === undefined ? 0 : delimitedSize(timeSize(view.writeSeconds, view.writeNanos))) +
    (expiry === undefined ? 0 : delimitedSize(timeSize(secondsOf(expiry), nanosOf(expiry)))) +
    (etag === 0 ? 0 : delimitedSize(etag));
  entrySizes[nth] = size;
  return indexSize + delimitedSize(view.keyTo - view.keyFrom) + delimitedSize(size);
}

function writeResult(frame: Buffer, start: number, source: ResultSource, fields: ResultFields, nth: number): number {
  const place = places[nth] as number;
  const view = views[nth] as EntryView;
  const { body } = source;
  let at = writeHead(frame, start, resultField, sizes[nth] as number);
  const result = encoded[nth];
  if (result !== undefined) {
    frame.set(result, at);
    return at + result.length;
  }
  const index = source.index?.(place) ?? 0;
  if (index !== 0) {
    frame[at++] = indexField << 3;
    at = writeVarint(frame, at, index);
  }
  if (!view.isThere) {
    const key = source.key(place);
    at = writeText(frame, at, fields.key, key, Buffer.byteLength(key));
    return writeHead(frame, at, fields.missing as number, 0);
  }
  at = writeBytes(frame, at, fields.key, body, view.keyFrom, view.keyTo);
  at = writeHead(frame, at, fields.entry, entrySizes[nth] as number);
  at = writeBytes(frame, at, entryFields.value, body, view.valueFrom, view.valueTo);
  if (view.writeSeconds !== undefined) {
    at = writeTime(frame, at, entryFields.writeTime, view.writeSeconds, view.writeNanos);
  }
  const expiry = expiryOf(view);
  if (expiry !== undefined) {
    at = writeTime(frame, at, entryFields.expireTime, secondsOf(expiry), nanosOf(expiry));
  }
  return view.etagTo === view.etagFrom ? at : writeBytes(frame, at, entryFields.etag, body, view.etagFrom, view.etagTo);
}

/** A foreign item may expire later than protobuf can tell. One that has not expired does not so before 1970. */
function expiryOf({ expireAtMs }: EntryView): number | undefined {
  return expireAtMs === undefined ? undefined : Math.min(lastExpiryMs, expireAtMs);
}
