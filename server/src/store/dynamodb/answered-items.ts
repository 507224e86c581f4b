import type { Item } from "./item.js";

/** An attribute that a reader knows, and the one type that it has in an ordinary item. */
export interface Column {
  readonly name: string;
  readonly type: "S" | "N" | "B";
}

/**
 * The items of one answer. Ordinary ones, which have columns and nothing else, stay where they lie in the bytes of the answer, and
 * need no object; the others are as the parser makes them.
 */
export class AnsweredItems {
  /** Of the answer. Where an ordinary item had base64, its bytes lie now. */
  readonly body: Buffer;
  readonly columns: readonly Column[];
  readonly length: number;
  /** From where to where each column of each item lies in the body; both are 0 where it has none. */
  private readonly spans: Int32Array;
  private giveBack: (() => void) | undefined;
  private readonly parsed: readonly (Item | undefined)[];

  constructor(
    columns: readonly Column[],
    parsed: readonly (Item | undefined)[],
    body: Buffer = Buffer.alloc(0),
    spans = new Int32Array(),
    release?: () => void,
  ) {
    this.giveBack = release;
    this.columns = columns;
    this.body = body;
    this.spans = spans;
    this.parsed = parsed;
    this.length = parsed.length;
  }

  /** Items that were parsed whole. */
  static of(items: readonly Item[]): AnsweredItems {
    return new AnsweredItems([], items);
  }

  /** Returns true if an item has columns and nothing else, each of its own type, in ASCII but for the bytes. */
  isOrdinary(index: number): boolean {
    return this.parsed[index] === undefined;
  }

  /** Offset of an ordinary item's column in the body; 0 when absent. */
  from(index: number, column: number): number {
    return this.spans[(index * this.columns.length + column) * 2] as number;
  }

  to(index: number, column: number): number {
    return this.spans[(index * this.columns.length + column) * 2 + 1] as number;
  }

  /** The text of an ordinary item's column; undefined when it has none. */
  text(index: number, column: number): string | undefined {
    const from = this.from(index, column);
    return from === 0 ? undefined : this.body.toString("latin1", from, this.to(index, column));
  }

  /** Says that nobody will look at the items any more: the body is used for others. */
  release(): void {
    this.giveBack?.();
    this.giveBack = undefined;
  }

  /** An item as an object. One that is ordinary is made for this, of copies. */
  item(index: number): Item {
    const known = this.parsed[index];
    if (known !== undefined) {
      return known;
    }
    const item: Item = {};
    for (const [column, { name, type }] of this.columns.entries()) {
      const from = this.from(index, column);
      if (from === 0) {
        continue;
      }
      const to = this.to(index, column);
      switch (type) {
        case "B":
          item[name] = { B: Buffer.from(this.body.subarray(from, to)) };
          break;
        case "S":
          item[name] = { S: this.body.toString("latin1", from, to) };
          break;
        case "N":
          item[name] = { N: this.body.toString("latin1", from, to) };
          break;
      }
    }
    return item;
  }

  /** Roughly how many bytes an item takes: what counts is the binary value. */
  bytes(index: number): number {
    const known = this.parsed[index];
    let bytes = 100;
    if (known !== undefined) {
      for (const name in known) {
        bytes += known[name]?.B?.length ?? 0;
      }
      return bytes;
    }
    for (const [column, { type }] of this.columns.entries()) {
      bytes += type === "B" ? this.to(index, column) - this.from(index, column) : 0;
    }
    return bytes;
  }

  /** The same of all of them. */
  totalBytes(): number {
    let bytes = 0;
    for (let index = 0; index < this.length; index++) {
      bytes += this.bytes(index);
    }
    return bytes;
  }
}
