import type { ResultError } from "../../../gen/dynakv/v1/error_pb.js";
import type { Entry } from "../entry.js";
import type { FoundResults, ResultKind } from "./found-results.js";
import { delimited, int64At, tagOf, timeAt, toText, UnexpectedBytes, varint, varintAt } from "./wire-values.js";

/** The numbers of the fields of a result, where MGetResult and ScanResult differ. */
export interface ResultFields {
  readonly index?: number;
  readonly key: number;
  readonly entry: number;
  readonly missing?: number;
}

export const mgetFields: ResultFields = { index: 1, key: 2, entry: 3, missing: 4 };
export const scanFields: ResultFields = { key: 1, entry: 2 };

/** Offsets recorded for each result. 0 marks an absent field. */
const stride = 10;
const index = 0;
const kind = 1;
const keyFrom = 2;
const keyTo = 3;
const dataFrom = 4;
const dataTo = 5;
const writeTime = 6;
const expireTime = 7;
const etagFrom = 8;
const etagTo = 9;

const isValue = 1;
const isCounter = 2;
const isMissing = 3;

/** The fields of a message beside its results. */
export interface WireMessage {
  readonly results: FoundResults;
  /** Of a scan's message. */
  readonly cursor: string;
}

/**
 * Reads MGetResponse and ScanResponse without an object for each result. Undefined where there is anything but entries and missing
 * keys, as servers write them: that is protobuf's to read, or to refuse.
 */
export function readWireResults(bytes: Buffer, fields: ResultFields): WireMessage | undefined {
  try {
    return new Reader(bytes, fields).read();
  } catch (error) {
    if (error instanceof UnexpectedBytes) {
      return undefined;
    }
    throw error;
  }
}

class Reader {
  private readonly bytes: Buffer;
  private readonly fields: ResultFields;
  private notes = new Int32Array(stride * 200);
  private count = 0;
  private at = 0;
  private cursor = "";

  constructor(bytes: Buffer, fields: ResultFields) {
    this.bytes = bytes;
    this.fields = fields;
  }

  read(): WireMessage {
    const { bytes } = this;
    while (this.at < bytes.length) {
      const tag = this.varint();
      if (tag === tagOf(1, delimited)) {
        this.readResult(this.delimited());
      } else if (tag === tagOf(2, delimited) && this.fields.index === undefined) {
        const to = this.delimited();
        this.cursor = toText(bytes, this.at, to);
        this.at = to;
      } else {
        throw new UnexpectedBytes();
      }
    }
    return { results: new WireResults(bytes, this.notes, this.count), cursor: this.cursor };
  }

  private readResult(end: number): void {
    const { fields } = this;
    const base = this.count++ * stride;
    if (base + stride > this.notes.length) {
      const longer = new Int32Array(this.notes.length * 2);
      longer.set(this.notes);
      this.notes = longer;
    }
    const { notes } = this;
    while (this.at < end) {
      const tag = this.varint();
      if (fields.index !== undefined && tag === tagOf(fields.index, varint)) {
        notes[base + index] = this.varint();
        continue;
      }
      if ((tag & 7) !== delimited) {
        throw new UnexpectedBytes();
      }
      const to = this.delimited();
      switch (tag >>> 3) {
        case fields.key:
          notes[base + keyFrom] = this.at;
          notes[base + keyTo] = to;
          break;
        case fields.entry:
          // Parts of one entry would be merged.
          this.once(base);
          this.readEntry(base, to);
          break;
        case fields.missing:
          this.once(base);
          notes[base + kind] = isMissing;
          break;
        default:
          // An error, among others.
          throw new UnexpectedBytes();
      }
      this.at = to;
    }
    if (this.at !== end || notes[base + kind] === 0) {
      throw new UnexpectedBytes();
    }
  }

  private readEntry(base: number, end: number): void {
    const { notes } = this;
    while (this.at < end) {
      const tag = this.varint();
      if (tag === tagOf(2, varint)) {
        this.once(base);
        notes[base + kind] = isCounter;
        notes[base + dataFrom] = this.at;
        this.skipVarint();
        notes[base + dataTo] = this.at;
        continue;
      }
      if ((tag & 7) !== delimited) {
        throw new UnexpectedBytes();
      }
      const to = this.delimited();
      switch (tag >>> 3) {
        case 1:
          this.once(base);
          notes[base + kind] = isValue;
          notes[base + dataFrom] = this.at;
          notes[base + dataTo] = to;
          break;
        case 3:
          this.checkTime(notes, base + writeTime, to);
          break;
        case 4:
          this.checkTime(notes, base + expireTime, to);
          break;
        case 5:
          notes[base + etagFrom] = this.at;
          notes[base + etagTo] = to;
          break;
        default:
          throw new UnexpectedBytes();
      }
      this.at = to;
    }
    if (this.at !== end) {
      throw new UnexpectedBytes();
    }
  }

  /** Notes where a google.protobuf.Timestamp is, at its length. */
  private checkTime(notes: Int32Array, place: number, end: number): void {
    if (notes[place] !== 0) {
      throw new UnexpectedBytes();
    }
    // Lengths below 128 have one byte; a time is shorter.
    notes[place] = this.at - 1;
    if (this.bytes[this.at - 1] !== end - this.at) {
      throw new UnexpectedBytes();
    }
    while (this.at < end) {
      const tag = this.varint();
      if (tag !== tagOf(1, varint) && tag !== tagOf(2, varint)) {
        throw new UnexpectedBytes();
      }
      this.varint();
    }
    if (this.at !== end) {
      throw new UnexpectedBytes();
    }
  }

  private once(base: number): void {
    if (this.notes[base + kind] !== 0) {
      throw new UnexpectedBytes();
    }
  }

  /** End of the delimited field that begins here. */
  private delimited(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.bytes.length) {
      throw new UnexpectedBytes();
    }
    return end;
  }

  private varint(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return first;
    }
    const value = varintAt(this.bytes, this.at);
    this.skipVarint();
    return value;
  }

  private skipVarint(): void {
    for (let length = 1; length <= 10; length++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) {
        break;
      }
      if (byte < 0x80) {
        return;
      }
    }
    throw new UnexpectedBytes();
  }
}

class WireResults implements FoundResults {
  readonly length: number;
  private readonly bytes: Buffer;
  private readonly notes: Int32Array;

  constructor(bytes: Buffer, notes: Int32Array, length: number) {
    this.bytes = bytes;
    this.notes = notes;
    this.length = length;
  }

  index(nth: number): number {
    // It is an uint32.
    return this.note(nth, index) >>> 0;
  }

  key(nth: number): string {
    return toText(this.bytes, this.note(nth, keyFrom), this.note(nth, keyTo));
  }

  kind(nth: number): ResultKind {
    return this.note(nth, kind) === isMissing ? "missing" : "entry";
  }

  entry(nth: number, key: string): Entry {
    const { bytes } = this;
    const from = this.note(nth, dataFrom);
    const to = this.note(nth, dataTo);
    const etag = toText(bytes, this.note(nth, etagFrom), this.note(nth, etagTo));
    const writtenAt = timeAt(bytes, this.note(nth, writeTime));
    const expiresAt = timeAt(bytes, this.note(nth, expireTime));
    // Each written out: objects that are spread into others cost twice the memory, and there may be a million.
    if (this.note(nth, kind) === isCounter) {
      const counter = int64At(bytes, from);
      return { key, etag, writeTime: writtenAt, expireTime: expiresAt, kind: "counter", counter };
    }
    const value = new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
    return { key, etag, writeTime: writtenAt, expireTime: expiresAt, kind: "value", value };
  }

  error(): ResultError {
    throw new TypeError("the results have no errors");
  }

  private note(nth: number, what: number): number {
    return this.notes[nth * stride + what] as number;
  }
}
