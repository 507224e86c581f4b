import { AnsweredItems, type Column } from "./answered-items.js";
import type { Item } from "./item.js";
import {
  backslash,
  broken,
  colon,
  comma,
  findList,
  listEnd,
  objectEnd,
  objectStart,
  quote,
  skipSpace,
  skipValue,
} from "./json-offsets.js";

/** The items of an answer, found and not yet taken, and what is left of the answer without them. */
export interface ScannedAnswer {
  /** JSON, with a list in their place that {@link isPlaceholder}. */
  readonly rest: Buffer;
  /**
   * Takes the items: bytes are decoded where they lie. To be called once; from then on the JSON is gone.
   *
   * @param parse reads the JSON of one item that is not ordinary
   * @param release gives the body back, once the items are not needed any more
   * @throws ForeignAnswerError, and what parse throws
   */
  take(parse: (json: Buffer) => Item, release?: () => void): AnsweredItems;
}

const placeholder = Buffer.from("[{}]");

/** Returns true if a list stands where items were. */
export function isPlaceholder(list: readonly unknown[]): boolean {
  return list.length === 1 && Object.keys(list[0] ?? {}).length === 0;
}

/** Decodes base64 in a body, from one place to another, where it lies. Returns where the bytes end. */
export type DecodeInPlace = (body: Buffer, from: number, to: number) => number;

/**
 * Finds the items in the JSON of an answer without parsing it, and in each where the columns lie. An item that has anything else,
 * such as another attribute, another type or an escape in a string, is not ordinary, and is parsed.
 *
 * Undefined where the JSON is not what DynamoDB and the engines write; it is then to be parsed whole.
 *
 * @param path the names that lead to the list of items
 */
export function scanAnswer(
  body: Buffer,
  path: readonly string[],
  columns: readonly Column[],
  decode: DecodeInPlace,
): ScannedAnswer | undefined {
  const list = findList(body, path);
  if (list === broken) {
    return undefined;
  }
  const scanner = new ItemScanner(body, columns);
  let at = skipSpace(body, list + 1);
  while (body[at] !== listEnd) {
    at = skipSpace(body, scanner.scan(at));
    if (body[at] === comma) {
      at = skipSpace(body, at + 1);
      if (body[at] !== objectStart) {
        return undefined;
      }
    } else if (body[at] !== listEnd) {
      return undefined;
    }
  }
  return {
    rest: Buffer.concat([body.subarray(0, list), placeholder, body.subarray(at + 1)]),
    take: (parse, release) => scanner.take(parse, decode, release),
  };
}

const firstPrintable = 0x20;
const lastAscii = 0x7f;

/** Finds the columns of items, one after the other. */
class ItemScanner {
  private readonly body: Buffer;
  private readonly columns: readonly Column[];
  private readonly names: readonly Uint8Array[];
  private readonly types: readonly number[];
  /** Two numbers for each column of each item: see {@link AnsweredItems}. */
  private spans: Int32Array<ArrayBuffer>;
  /** Start and end of each item; an ordinary one's start is negative. */
  private readonly items: number[] = [];
  private count = 0;
  /** True if the string that was read last has neither escapes nor anything but ASCII. */
  private isPlain = true;

  constructor(body: Buffer, columns: readonly Column[]) {
    this.body = body;
    this.columns = columns;
    this.names = columns.map(({ name }) => Buffer.from(name));
    this.types = columns.map(({ type }) => type.charCodeAt(0));
    this.spans = new Int32Array(columns.length * 2 * 100);
  }

  /** Reads the item that begins there, and returns where it has ended; {@link broken} if it is none. */
  scan(start: number): number {
    const { body, columns } = this;
    const base = this.count++ * columns.length * 2;
    if (base + columns.length * 2 > this.spans.length) {
      const longer = new Int32Array(this.spans.length * 2);
      longer.set(this.spans);
      this.spans = longer;
    }
    if (body[start] !== objectStart) {
      return broken;
    }
    let isOrdinary = true;
    let next = 0;
    let at = skipSpace(body, start + 1);
    while (body[at] !== objectEnd) {
      if (body[at] !== quote) {
        return broken;
      }
      const nameTo = this.endOfString(at + 1);
      if (nameTo === broken) {
        return broken;
      }
      const column = this.isPlain ? this.columnAt(at + 1, nameTo, next) : broken;
      at = skipSpace(body, nameTo + 1);
      if (body[at] !== colon) {
        return broken;
      }
      at = skipSpace(body, at + 1);
      const span = base + column * 2;
      const to = column === broken || this.spans[span] !== 0 ? broken : this.scanColumn(at, column, span);
      if (to === broken) {
        isOrdinary = false;
        at = skipValue(body, at);
      } else {
        next = column + 1;
        at = to;
      }
      if (at === broken) {
        return broken;
      }
      at = skipSpace(body, at);
      if (body[at] === comma) {
        at = skipSpace(body, at + 1);
        if (body[at] !== quote) {
          return broken;
        }
      } else if (body[at] !== objectEnd) {
        return broken;
      }
    }
    this.items.push(isOrdinary ? -start : start, at + 1);
    return at + 1;
  }

  take(parse: (json: Buffer) => Item, decode: DecodeInPlace, release: (() => void) | undefined): AnsweredItems {
    const parsed: (Item | undefined)[] = [];
    for (let index = 0; index < this.count; index++) {
      const start = this.items[index * 2] as number;
      parsed.push(
        start < 0 && this.decode(index, decode)
          ? undefined
          : parse(this.body.subarray(Math.abs(start), this.items[index * 2 + 1])),
      );
    }
    return new AnsweredItems(this.columns, parsed, this.body, this.spans, release);
  }

  /** Decodes the bytes of an ordinary item; false if it is none after all. */
  private decode(index: number, decode: DecodeInPlace): boolean {
    const { columns, spans } = this;
    for (const [column, { type }] of columns.entries()) {
      const span = (index * columns.length + column) * 2;
      const from = spans[span] as number;
      if (type === "B" && from !== 0) {
        const to = decode(this.body, from, spans[span + 1] as number);
        if (to === broken) {
          return false;
        }
        spans[span + 1] = to;
      }
    }
    return true;
  }

  /** The column whose name lies there. Those of one answer are mostly in one order. */
  private columnAt(from: number, to: number, likely: number): number {
    if (likely < this.names.length && this.isName(likely, from, to)) {
      return likely;
    }
    for (let column = 0; column < this.names.length; column++) {
      if (this.isName(column, from, to)) {
        return column;
      }
    }
    return broken;
  }

  private isName(column: number, from: number, to: number): boolean {
    const name = this.names[column] as Uint8Array;
    if (name.length !== to - from) {
      return false;
    }
    for (let at = 0; at < name.length; at++) {
      if (name[at] !== this.body[from + at]) {
        return false;
      }
    }
    return true;
  }

  /** Reads `{"B":"…"}`, or whatever the column's type is; {@link broken} if it is anything else. */
  private scanColumn(start: number, column: number, span: number): number {
    const { body } = this;
    let at = start;
    if (body[at] !== objectStart) {
      return broken;
    }
    at = skipSpace(body, at + 1);
    if (body[at] !== quote || body[at + 1] !== this.types[column] || body[at + 2] !== quote) {
      return broken;
    }
    at = skipSpace(body, at + 3);
    if (body[at] !== colon) {
      return broken;
    }
    at = skipSpace(body, at + 1);
    if (body[at] !== quote) {
      return broken;
    }
    const from = at + 1;
    const to = this.columns[column]?.type === "B" ? this.endOfBase64(from) : this.endOfString(from);
    if (to === broken || !this.isPlain) {
      return broken;
    }
    at = skipSpace(body, to + 1);
    if (body[at] !== objectEnd) {
      return broken;
    }
    this.spans[span] = from;
    this.spans[span + 1] = to;
    return at + 1;
  }

  /** End of a base64 string, which is validated when decoded. */
  private endOfBase64(from: number): number {
    this.isPlain = true;
    const to = this.body.indexOf(quote, from);
    return this.body[to - 1] === backslash ? broken : to;
  }

  private endOfString(from: number): number {
    const { body } = this;
    this.isPlain = true;
    for (let at = from; at < body.length; at++) {
      const byte = body[at] as number;
      if (byte === quote) {
        return at;
      }
      if (byte < firstPrintable) {
        return broken;
      }
      if (byte === backslash) {
        at++;
        this.isPlain = false;
      } else if (byte > lastAscii) {
        this.isPlain = false;
      }
    }
    return broken;
  }
}
