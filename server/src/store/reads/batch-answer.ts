import type { DynakvError } from "../../errors/dynakv-error.js";
import type { AnsweredItems } from "../dynamodb/answered-items.js";
import type { StoredEntry } from "../layout/entry.js";
import type { EntryView } from "../layout/entry-view.js";
import type { ItemLayout } from "../layout/item-layout.js";
import { decodeFound } from "./decode-found.js";
import type { KeyBatch } from "./key-batches.js";

/** An entry, the error of its key, or undefined when missing. */
export type Found = StoredEntry | DynakvError | undefined;

const isMissing = -1;
const isLeft = -2;
/** The places of errors begin here, and go down. */
const firstError = -3;

/** DynamoDB's answer to a batch. Entries are made of items only when they are asked for. */
export class BatchAnswer {
  readonly batch: KeyBatch;
  /** Bytes of items. */
  bytes = 0;
  /** The keys that are to be asked for again; undefined when there are none. */
  left: KeyBatch | undefined;
  private readonly layout: ItemLayout;
  /** Of each key its item, or one of the numbers above. */
  private readonly places: Int32Array;
  private readonly errors: DynakvError[] = [];
  private items: AnsweredItems | undefined;
  private nowMs = 0;

  constructor(layout: ItemLayout, batch: KeyBatch) {
    this.layout = layout;
    this.batch = batch;
    this.places = new Int32Array(batch.keys.length).fill(isMissing);
  }

  /** Says what was answered. Keys of which nothing is said are missing. */
  answer(items: AnsweredItems, nowMs: number): void {
    this.items = items;
    this.nowMs = nowMs;
  }

  found(key: number, item: number): void {
    this.places[key] = item;
  }

  leave(key: number): void {
    this.places[key] = isLeft;
  }

  fail(key: number, error: DynakvError): void {
    if (this.errors.at(-1) !== error) {
      this.errors.push(error);
    }
    this.places[key] = firstError - (this.errors.length - 1);
  }

  isLeft(key: number): boolean {
    return this.places[key] === isLeft;
  }

  /** An entry: a value or a counter. */
  at(key: number): Found {
    const place = this.places[key] as number;
    if (place <= firstError) {
      return this.errors[firstError - place];
    }
    return place < 0 || this.items === undefined
      ? undefined
      : decodeFound(this.layout, this.items.item(place), this.nowMs);
  }

  /** Says that nobody will look at what was found any more. */
  release(): void {
    this.items?.release();
    this.items = undefined;
  }

  /** The body in which {@link view} finds things. */
  get body(): Buffer {
    return this.items?.body ?? Buffer.alloc(0);
  }

  /** The same as {@link at}, without an object: false where it takes one. */
  view(key: number, view: EntryView): boolean {
    const place = this.places[key] as number;
    if (place === isMissing) {
      view.isThere = false;
      return true;
    }
    return place >= 0 && this.items !== undefined && this.layout.view(this.items, place, this.nowMs, view);
  }

  /** Roughly how many bytes of values a key has brought. */
  valueBytes(key: number): number {
    const place = this.places[key] as number;
    return place >= 0 ? (this.items?.bytes(place) ?? 0) : 0;
  }
}
