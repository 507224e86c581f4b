import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, EmptySchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Entry, EntryKind, EntrySchema } from "../../../gen/dynakv/v1/entry_pb.js";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  type ResultError,
  ResultErrorSchema,
} from "../../../gen/dynakv/v1/error_pb.js";
import {
  type DeleteResponse,
  DeleteResponseSchema,
  type MGetResult,
  MGetResultSchema,
  type ScanResult,
  ScanResultSchema,
  type SetResponse,
  SetResponseSchema,
  type TouchResponse,
  TouchResponseSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { StoredEntry } from "../store/layout/entry.js";
import type { Found } from "../store/reads/batch-answer.js";
import type { DeleteResult } from "../store/writes/delete-entry.js";
import type { SetResult } from "../store/writes/set-entry.js";
import type { TouchResult } from "../store/writes/touch-entry.js";

/** @param isMetadataOnly whether kind and size stand in the place of the data */
export function toEntry(stored: StoredEntry, isMetadataOnly = false): Entry {
  const { data, writeTime, expireAtMs, etag } = stored;
  const init: MessageInitShape<typeof EntrySchema> = {
    ...(isMetadataOnly ? describeData(data) : withData(data)),
    etag,
  };
  if (writeTime !== undefined) {
    init.writeTime = create(TimestampSchema, writeTime);
  }
  if (expireAtMs !== undefined) {
    init.expireTime = expiryToTimestamp(expireAtMs);
  }
  return create(EntrySchema, init);
}

function withData(data: StoredEntry["data"]): MessageInitShape<typeof EntrySchema> {
  return {
    data:
      data.kind === "value" ? { case: "value", value: asBytes(data.value) } : { case: "counter", value: data.counter },
  };
}

function describeData(data: StoredEntry["data"]): MessageInitShape<typeof EntrySchema> {
  return data.kind === "value" ? { kind: EntryKind.VALUE, valueBytes: data.value.length } : { kind: EntryKind.COUNTER };
}

export function toSetResponse({ etag, writtenAtMs, expireAtMs, previous }: SetResult): SetResponse {
  return create(SetResponseSchema, {
    etag,
    writeTime: msToTimestamp(writtenAtMs),
    ...expireTimeOf(expireAtMs),
    ...(previous === undefined ? {} : { previous: toEntry(previous) }),
  });
}

export function toDeleteResponse({ existed, entry }: DeleteResult): DeleteResponse {
  return create(DeleteResponseSchema, { existed, ...(entry === undefined ? {} : { entry: toEntry(entry) }) });
}

export function toTouchResponse(touched: TouchResult | undefined): TouchResponse {
  if (touched === undefined) {
    return create(TouchResponseSchema, {});
  }
  const { etag, expireAtMs, entry, isUnchanged } = touched;
  return create(TouchResponseSchema, {
    existed: true,
    etag,
    ...expireTimeOf(expireAtMs),
    ...(entry === undefined ? {} : { entry: toEntry(entry) }),
    unchanged: isUnchanged,
  });
}

export function toResult(
  { index, key, found }: { index: number; key: string; found: Found },
  isMetadataOnly = false,
): MGetResult {
  return create(MGetResultSchema, { index, key, result: toResultCase(found, isMetadataOnly) });
}

function toResultCase(found: Found, isMetadataOnly: boolean): MGetResult["result"] {
  if (found === undefined) {
    return { case: "missing", value: create(EmptySchema) };
  }
  return toFoundCase(found, isMetadataOnly);
}

export function toScanResult(
  { key, found }: { key: string; found: NonNullable<Found> },
  isMetadataOnly = false,
): ScanResult {
  return create(ScanResultSchema, { key, result: toFoundCase(found, isMetadataOnly) });
}

function toFoundCase(found: NonNullable<Found>, isMetadataOnly: boolean): ScanResult["result"] {
  if (!(found instanceof DynakvError)) {
    return { case: "entry", value: toEntry(found, isMetadataOnly) };
  }
  return { case: "error", value: toResultError(found) };
}

export function toResultError(error: DynakvError): ResultError {
  const { code, message, retryAfterMs } = error;
  return create(ResultErrorSchema, {
    code,
    message,
    detail: toErrorDetail(error),
    ...(retryAfterMs === undefined ? {} : { retryDelay: msToDuration(retryAfterMs) }),
  });
}

export function toErrorDetail(error: DynakvError): ErrorDetail {
  const { reason, outcome, retryable, currentEtag, throttlingReasons, serverTimeMs } = error;
  return create(ErrorDetailSchema, {
    reason,
    outcome,
    retryable,
    currentEtag: currentEtag ?? "",
    throttlingReasons: [...throttlingReasons],
    ...(serverTimeMs === undefined ? {} : { serverTime: msToTimestamp(serverTimeMs) }),
  });
}

/** The last millisecond at which a protobuf Timestamp can lie without a fraction of a second: 9999-12-31T23:59:59Z. */
export const lastExpiryMs = 253_402_300_799_000;

/** A foreign item may expire in milliseconds by mistake, which is some fifty thousand years from now. */
export function expiryToTimestamp(ms: number): Timestamp {
  return msToTimestamp(Math.max(-62_135_596_800_000, Math.min(lastExpiryMs, ms)));
}

/** The field of an answer that tells when an entry is gone. */
export function expireTimeOf(expireAtMs: number | undefined): { expireTime?: Timestamp } {
  return expireAtMs === undefined ? {} : { expireTime: expiryToTimestamp(expireAtMs) };
}

export function msToTimestamp(ms: number): Timestamp {
  return create(TimestampSchema, { seconds: BigInt(secondsOf(ms)), nanos: nanosOf(ms) });
}

/** The whole seconds of a time in milliseconds. */
export function secondsOf(ms: number): number {
  return Math.floor(ms / 1000);
}

/** The nanoseconds beside them. */
export function nanosOf(ms: number): number {
  return Math.round((ms - secondsOf(ms) * 1000) * 1e6);
}

export function msToDuration(ms: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) });
}

/** The bytes as they are, without a copy: protobuf takes any view but types it as one on an ArrayBuffer. */
function asBytes(value: Uint8Array): Uint8Array<ArrayBuffer> {
  return value as Uint8Array<ArrayBuffer>;
}
