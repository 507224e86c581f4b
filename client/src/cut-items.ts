import { sleep } from "./sleep.js";

/** A run of items for one request. */
export interface Chunk<T> {
  /** The position of the first. */
  readonly from: number;
  readonly items: readonly T[];
}

/** How items are taken from a source, and how many of them a request takes. */
export interface Cut<Given, Taken> {
  /** Checks an item as it is taken, and returns it as it is used. */
  readonly take: (given: Given, index: number) => Taken;
  readonly lengthOf: (taken: Taken) => number;
  readonly maxItems: number;
  /** A chunk ends with the item that reaches it. One that has this length by itself is alone. */
  readonly maxLength: number;
}

/** Time that a chunk waits for further items of a source that is slow, in milliseconds. */
const patienceMs = 10;

/** Cuts items into requests, and reads no further than it is asked to. */
export async function* cutItems<Given, Taken>(
  source: Iterable<Given> | AsyncIterable<Given>,
  { take, lengthOf, maxItems, maxLength }: Cut<Given, Taken>,
  signal: AbortSignal,
): AsyncGenerator<Chunk<Taken>> {
  let from = 0;
  let items: Taken[] = [];
  let length = 0;
  const cut = (): Chunk<Taken> => {
    const chunk = { from, items };
    from += items.length;
    items = [];
    length = 0;
    return chunk;
  };
  const isLarge = (taken: Taken) => items.length > 0 && lengthOf(taken) >= maxLength;
  const add = (taken: Taken): boolean => {
    items.push(taken);
    length += lengthOf(taken);
    return items.length >= maxItems || length >= maxLength;
  };
  if (Symbol.iterator in source) {
    for (const given of source) {
      const taken = take(given, from + items.length);
      if (isLarge(taken)) {
        yield cut();
      }
      if (add(taken)) {
        yield cut();
      }
    }
  } else {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (let next = iterator.next(); ; next = iterator.next()) {
        if (items.length > 0 && (await isSlow(next, signal))) {
          yield cut();
        }
        const { done, value } = await next;
        if (done === true || signal.aborted) {
          break;
        }
        const taken = take(value, from + items.length);
        if (isLarge(taken)) {
          yield cut();
        }
        if (add(taken)) {
          yield cut();
        }
      }
    } finally {
      await iterator.return?.();
    }
  }
  if (items.length > 0) {
    yield cut();
  }
}

async function isSlow(next: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  // A source that has items at hand resolves before any timer does, and is spared one.
  let isHere = false;
  const here = next.then(
    () => {
      isHere = true;
    },
    () => {
      isHere = true;
    },
  );
  for (let turns = 0; turns < 5 && !isHere; turns++) {
    await undefined;
  }
  if (!isHere) {
    await Promise.race([here, sleep(patienceMs, signal)]);
  }
  return !isHere;
}
