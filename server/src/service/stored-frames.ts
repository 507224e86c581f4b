import { create, toBinary } from "@bufbuild/protobuf";
import { envelopeBytes } from "../../../common/envelope.js";
import { MSetResultSchema } from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { SetResult } from "../store/writes/set-entry.js";
import type { WriteResult } from "../store/writes/write-many.js";
import { maxResults } from "./message-limits.js";
import { lastExpiryMs, nanosOf, secondsOf, toSetResponse } from "./messages.js";
import { delimitedSize, timeSize, varintSize, writeHead, writeText, writeTime, writeVarint } from "./wire-format.js";
import { inMessages, toCase } from "./write-results.js";

type Stored = WriteResult<SetResult>;

/** Puts the results of an MSet into messages, many to one, each in its envelope. */
export async function* frameStored(keys: readonly string[], groups: AsyncIterable<Stored[]>): AsyncGenerator<Buffer> {
  for await (const results of inMessages(groups, storedBytes)) {
    yield writeFrame(keys, results);
  }
}

export function storedBytes({ previous }: SetResult): number {
  return previous?.data.kind === "value" ? previous.data.value.length : 0;
}

/** The numbers of the fields of MSetResponse, MSetResult and SetResponse. */
const resultField = 1;
const fields = { index: 1, key: 2, stored: 3 } as const;
const storedFields = { etag: 1, writeTime: 2, expireTime: 3 } as const;

/** Of each result of the message that is written: its size, that of its SetResponse, and what protobuf has made of it, if it has. */
const sizes = new Int32Array(maxResults);
const storedSizes = new Int32Array(maxResults);
const encoded: (Uint8Array | undefined)[] = Array.from({ length: maxResults });

/** Writes a message byte by byte, which is what protobuf makes of it. Results that are not ordinary are left to protobuf. */
function writeFrame(keys: readonly string[], results: readonly Stored[]): Buffer {
  let size = 0;
  for (const [nth, result] of results.entries()) {
    const key = keys[result.index] as string;
    const resultSize = measure(nth, key, result);
    sizes[nth] = resultSize;
    size += delimitedSize(resultSize);
  }
  const frame = Buffer.allocUnsafe(envelopeBytes + size);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  let at = envelopeBytes;
  for (const [nth, result] of results.entries()) {
    at = writeHead(frame, at, resultField, sizes[nth] as number);
    at = writeResult(frame, at, nth, keys[result.index] as string, result);
  }
  return frame;
}

function measure(nth: number, key: string, { index, written }: Stored): number {
  encoded[nth] = undefined;
  if (written instanceof DynakvError || !isOrdinary(written)) {
    const result = written instanceof DynakvError ? written : toSetResponse(written);
    const bytes = toBinary(
      MSetResultSchema,
      create(MSetResultSchema, { index, key, result: toCase("stored", result) }),
    );
    encoded[nth] = bytes;
    return bytes.length;
  }
  const { etag, writtenAtMs, expireAtMs } = written;
  const stored = delimitedSize(etag.length) + timeBytes(writtenAtMs) + timeBytes(expireAtMs);
  storedSizes[nth] = stored;
  return (index === 0 ? 0 : 1 + varintSize(index)) + delimitedSize(Buffer.byteLength(key)) + delimitedSize(stored);
}

/** Times before 1970 are negative, and an expiry past the last one that protobuf can tell is told as that. */
function isOrdinary({ writtenAtMs, expireAtMs = 0, previous }: SetResult): boolean {
  return previous === undefined && writtenAtMs >= 0 && expireAtMs >= 0 && expireAtMs <= lastExpiryMs;
}

function timeBytes(ms: number | undefined): number {
  return ms === undefined ? 0 : delimitedSize(timeSize(secondsOf(ms), nanosOf(ms)));
}

function writeResult(frame: Buffer, start: number, nth: number, key: string, { index, written }: Stored): number {
  const result = encoded[nth];
  if (result !== undefined) {
    frame.set(result, start);
    return start + result.length;
  }
  const { etag, writtenAtMs, expireAtMs } = written as SetResult;
  let at = start;
  if (index !== 0) {
    frame[at++] = fields.index << 3;
    at = writeVarint(frame, at, index);
  }
  at = writeText(frame, at, fields.key, key, Buffer.byteLength(key));
  at = writeHead(frame, at, fields.stored, storedSizes[nth] as number);
  // Etags have letters, digits and few signs, all of one byte.
  at = writeText(frame, at, storedFields.etag, etag, etag.length);
  at = writeTime(frame, at, storedFields.writeTime, secondsOf(writtenAtMs), nanosOf(writtenAtMs));
  return expireAtMs === undefined
    ? at
    : writeTime(frame, at, storedFields.expireTime, secondsOf(expireAtMs), nanosOf(expireAtMs));
}
