/** Result of `ItemLayout.view`, reused for many items. */
export interface EntryView {
  /** True if there is an entry. If not, nothing else is set. */
  isThere: boolean;
  /** The epoch second at which it was written, and the nanoseconds; undefined when the item does not say. */
  writeSeconds: number | undefined;
  writeNanos: number;
  expireAtMs: number | undefined;
  /** Offsets of key, value and etag in the answer's body. */
  keyFrom: number;
  keyTo: number;
  valueFrom: number;
  valueTo: number;
  etagFrom: number;
  etagTo: number;
}

export function createEntryView(): EntryView {
  return {
    isThere: false,
    writeSeconds: undefined,
    writeNanos: 0,
    expireAtMs: undefined,
    keyFrom: 0,
    keyTo: 0,
    valueFrom: 0,
    valueTo: 0,
    etagFrom: 0,
    etagTo: 0,
  };
}
