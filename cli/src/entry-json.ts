import type { DynakvError, Entry } from "@dynakv/client";

/** An entry as commands print it: the value in base64, a counter as a string, which has room for 64 bits. */
export interface EntryJson {
  readonly key: string;
  readonly value?: string;
  readonly counter?: string;
  readonly writeTime?: string;
  readonly expireTime?: string;
  readonly etag: string;
}

export function toEntryJson(entry: Entry): EntryJson {
  const { key, writeTime, expireTime, etag } = entry;
  return {
    key,
    ...(entry.kind === "value" ? { value: toBase64(entry.value) } : { counter: entry.counter.toString() }),
    ...(writeTime && { writeTime: writeTime.toISOString() }),
    ...(expireTime && { expireTime: expireTime.toISOString() }),
    etag,
  };
}

/** A key that could not be read. */
export function toErrorJson(key: string, { reason, message }: DynakvError) {
  return { key, error: { reason, message } };
}

function toBase64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
