import type { EntryView } from "../layout/entry-view.js";
import type { BatchAnswer, Found } from "./batch-answer.js";

/** Results are handed on in groups of this size at most: one key may be asked for at a million positions. */
const maxResults = 200;

/** Some results of an MGet, all from one answer of DynamoDB's, without an object for each. */
export class ResultGroup {
  readonly answer: BatchAnswer;
  /** The positions that they answer, and the key of each by its place in the batch. */
  private readonly indexes: readonly number[];
  private readonly places: readonly number[];
  /** Of what lies in the arrays. */
  private readonly from: number;
  readonly length: number;

  constructor(
    answer: BatchAnswer,
    indexes: readonly number[],
    places: readonly number[],
    from = 0,
    length = indexes.length,
  ) {
    this.answer = answer;
    this.indexes = indexes;
    this.places = places;
    this.from = from;
    this.length = length;
  }

  /** The position in the request that a result answers. */
  index(nth: number): number {
    return this.indexes[this.from + nth] as number;
  }

  key(nth: number): string {
    return this.answer.batch.keys[this.place(nth)] as string;
  }

  found(nth: number): Found {
    return this.answer.at(this.place(nth));
  }

  /** The body in which {@link view} finds things. */
  get body(): Buffer {
    return this.answer.body;
  }

  /** The same as {@link found}, without an object: false where it takes one. */
  view(nth: number, view: EntryView): boolean {
    return this.answer.view(this.place(nth), view);
  }

  /** Roughly how many bytes of values a result has brought. */
  valueBytes(nth: number): number {
    return this.answer.valueBytes(this.place(nth));
  }

  part(from: number, to: number): ResultGroup {
    return new ResultGroup(this.answer, this.indexes, this.places, this.from + from, to - from);
  }

  /** The same in the order of their positions, cut where one is left out. */
  *runs(): Generator<ResultGroup> {
    const order = Array.from({ length: this.length }, (_, nth) => nth).sort((a, b) => this.index(a) - this.index(b));
    const indexes = order.map((nth) => this.index(nth));
    const places = order.map((nth) => this.place(nth));
    for (let from = 0; from < indexes.length; ) {
      let to = from + 1;
      while (to < indexes.length && indexes[to] === (indexes[from] as number) + to - from) {
        to++;
      }
      yield new ResultGroup(this.answer, indexes, places, from, to - from);
      from = to;
    }
  }

  private place(nth: number): number {
    return this.places[this.from + nth] as number;
  }
}

/** Results of an answer by position. */
export function* groupsOf(answer: BatchAnswer): Generator<ResultGroup> {
  const { keys, positions } = answer.batch;
  let indexes: number[] = [];
  let places: number[] = [];
  for (let place = 0; place < keys.length; place++) {
    if (answer.isLeft(place)) {
      continue;
    }
    const position = positions[place] as number | Iterable<number>;
    if (typeof position === "number") {
      // As nearly always: and a batch has fewer keys than a group has results.
      indexes.push(position);
      places.push(place);
      continue;
    }
    for (const each of position) {
      indexes.push(each);
      places.push(place);
      if (indexes.length >= maxResults) {
        yield new ResultGroup(answer, indexes, places);
        indexes = [];
        places = [];
      }
    }
  }
  if (indexes.length > 0) {
    yield new ResultGroup(answer, indexes, places);
  }
}
