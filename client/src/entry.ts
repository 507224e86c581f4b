import { timestampDate } from "@bufbuild/protobuf/wkt";
import { EntryKind, type Entry as EntryMessage } from "../../gen/dynakv/v1/entry_pb.js";

/** Metadata of an entry. */
interface EntryFacts {
  readonly key: string;
  /** An opaque version that changes with every write: for `ifEtag`. */
  readonly etag: string;
  /** Last write, by the writer's clock. Undefined when the table does not have it. */
  readonly writeTime: Date | undefined;
  /** The moment from which it is gone, to the millisecond; undefined when it never expires. */
  readonly expireTime: Date | undefined;
}

/** A value, and what is known about it. */
export interface ValueEntry<T = Uint8Array> extends EntryFacts {
  readonly kind: "value";
  readonly value: T;
}

/** A counter, and what is known about it. */
export interface CounterEntry extends EntryFacts {
  readonly kind: "counter";
  readonly counter: bigint;
}

/** An entry: a value or a counter. */
export type Entry = ValueEntry | CounterEntry;

/** Metadata of an entry, without its value or counter. */
export interface EntryMetadata extends EntryFacts {
  readonly kind: "value" | "counter";
  /** The length of the value in bytes; 0 for a counter. */
  readonly valueBytes: number;
}

export function toEntry(key: string, entry: EntryMessage): Entry {
  const { data } = entry;
  const facts = toFacts(key, entry);
  switch (data.case) {
    case "value":
      return { ...facts, kind: "value", value: data.value };
    case "counter":
      return { ...facts, kind: "counter", counter: data.value };
    default:
      throw new TypeError("unknown kind of entry: upgrade the client");
  }
}

/** The metadata of an entry; a server that knows no such reads sends its data as well. */
export function toMetadata(key: string, entry: EntryMessage): EntryMetadata {
  const { data, kind, valueBytes } = entry;
  const facts = toFacts(key, entry);
  if (data.case === "value" || kind === EntryKind.VALUE) {
    return { ...facts, kind: "value", valueBytes: data.case === "value" ? data.value.length : valueBytes };
  }
  if (data.case === "counter" || kind === EntryKind.COUNTER) {
    return { ...facts, kind: "counter", valueBytes: 0 };
  }
  throw new TypeError("unknown kind of entry: upgrade the client");
}

function toFacts(key: string, { etag, writeTime, expireTime }: EntryMessage): EntryFacts {
  return {
    key,
    etag,
    writeTime: writeTime && timestampDate(writeTime),
    expireTime: expireTime && timestampDate(expireTime),
  };
}
