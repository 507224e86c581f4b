import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Entry as EntryMessage } from "../../gen/dynakv/v1/entry_pb.js";

interface EntryFacts {
  readonly key: string;
  /** An opaque version that changes with every write: for `ifEtag`. */
  readonly etag: string;
  /** Last write, by the writer's clock. Undefined when the table does not have it. */
  readonly writeTime: Date | undefined;
  /** The second from which it is gone; undefined when it never expires. */
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

export function toEntry(key: string, { data, etag, writeTime, expireTime }: EntryMessage): Entry {
  const facts = {
    key,
    etag,
    writeTime: writeTime && timestampDate(writeTime),
    expireTime: expireTime && timestampDate(expireTime),
  };
  switch (data.case) {
    case "value":
      return { ...facts, kind: "value", value: data.value };
    case "counter":
      return { ...facts, kind: "counter", counter: data.value };
    default:
      throw new TypeError("unknown kind of entry: upgrade the client");
  }
}
