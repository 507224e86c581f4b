import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, EmptySchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Entry, EntrySchema } from "../../../gen/dynakv/v1/entry_pb.js";
import { type ErrorDetail, ErrorDetailSchema, ResultErrorSchema } from "../../../gen/dynakv/v1/error_pb.js";
import {
  type MGetResult,
  MGetResultSchema,
  type ScanResult,
  ScanResultSchema,
} from "../../../gen/dynakv/v1/key_value_service_pb.js";
import { DynakvError } from "../errors/dynakv-error.js";
import type { StoredEntry } from "../store/layout/entry.js";
import type { ReadResult } from "../store/reads/result-order.js";
import type { ScannedKey } from "../store/reads/scan-table.js";

export function toEntry(stored: StoredEntry): Entry {
  const { data, writeTime, expireAt, etag } = stored;
  const init: MessageInitShape<typeof EntrySchema> = {
    data:
      data.kind === "value" ? { case: "value", value: asBytes(data.value) } : { case: "counter", value: data.counter },
    etag,
  };
  if (writeTime !== undefined) {
    init.writeTime = create(TimestampSchema, writeTime);
  }
  if (expireAt !== undefined) {
    init.expireTime = secondToTimestamp(expireAt);
  }
  return create(EntrySchema, init);
}

export function toResult({ index, key, found }: ReadResult): MGetResult {
  return create(MGetResultSchema, { index, key, result: toResultCase(found) });
}

function toResultCase(found: ReadResult["found"]): MGetResult["result"] {
  if (found === undefined) {
    return { case: "missing", value: create(EmptySchema) };
  }
  return toFoundCase(found);
}

export function toScanResult({ key, found }: ScannedKey): ScanResult {
  return create(ScanResultSchema, { key, result: toFoundCase(found) });
}

function toFoundCase(found: ScannedKey["found"]): ScanResult["result"] {
  if (!(found instanceof DynakvError)) {
    return { case: "entry", value: toEntry(found) };
  }
  const { code, message, retryAfterMs } = found;
  return {
    case: "error",
    value: create(ResultErrorSchema, {
      code,
      message,
      detail: toErrorDetail(found),
      ...(retryAfterMs === undefined ? {} : { retryDelay: msToDuration(retryAfterMs) }),
    }),
  };
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

/** The last second that a protobuf Timestamp can hold: 9999-12-31T23:59:59Z. */
export const lastTimestampSecond = 253_402_300_799;

/** A foreign item may expire in milliseconds by mistake, which is some fifty thousand years from now. */
export function secondToTimestamp(second: number): Timestamp {
  const within = Math.max(-62_135_596_800, Math.min(lastTimestampSecond, second));
  return create(TimestampSchema, { seconds: BigInt(within), nanos: 0 });
}

export function msToTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) });
}

export function msToDuration(ms: number): Duration {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) });
}

/** The bytes as they are, without a copy: protobuf takes any view but types it as one on an ArrayBuffer. */
function asBytes(value: Uint8Array): Uint8Array<ArrayBuffer> {
  return value as Uint8Array<ArrayBuffer>;
}
