import type { AfterArrivals } from "./after-arrivals.js";

/** Options of a read coalescer. `Found` is the result for a key. */
export interface ReadCoalescerOptions<Found> {
  /**
   * Reads keys, each once, and tells what it found of each as soon as it knows. Rejects when the rest could not be read. The
   * signal aborts when nobody waits any more; `endAt` is the end of the latest deadline, on the clock of `performance.now()`;
   * `readers` are the signals of all who wait.
   */
  readonly read: (
    keys: readonly string[],
    found: (key: string, result: Found) => void,
    until: { readonly signal: AbortSignal; readonly endAt: number; readonly readers: readonly AbortSignal[] },
  ) => Promise<void>;
  /** Number of keys that may be read together. It is asked each time. */
  readonly limit: () => number;
  /** The error of who has left before the answer. */
  readonly left: (reason: unknown) => Error;
  /** True if a key that is asked for while nothing is in flight is read at once, and not with those that come in the same turn. */
  readonly atOnce: boolean;
  readonly afterArrivals: AfterArrivals;
}

/** Reads a key after it was asked for. `endAt` is the end of the reader's deadline, if it has one. */
export type ReadCoalescer<Found> = (key: string, signal: AbortSignal, endAt?: number) => Promise<Found>;

/** The most requests in flight. What comes beyond them waits, and goes together. */
const maxRequests = 8;
/** A request that takes longer holds up nobody: others go beside it, for its keys too. */
const slowMs = 50;

/** Somebody who waits for a key. */
interface Reader<Found> {
  readonly signal: AbortSignal;
  readonly endAt: number;
  readonly resolve: (found: Found) => void;
  readonly reject: (error: unknown) => void;
}

/** A key, all who wait for it, and the request that it is part of, once there is one. */
interface Wanted<Found> {
  readonly key: string;
  readonly readers: Set<Reader<Found>>;
  request?: Request;
}

/** Keys in flight. It is aborted when nobody waits for any of them. */
interface Request {
  readonly controller: AbortController;
  readers: number;
}

/**
 * Gathers reads until the event loop has taken in what has arrived, or a request is answered, and sends them as one request. A key
 * is never answered by a read that began before it was asked for, so that each sees what was written before it, as if it were
 * alone; a key that many ask for at once is read by one request at a time, and one to follow.
 */
export function createReadCoalescer<Found>(options: ReadCoalescerOptions<Found>): ReadCoalescer<Found> {
  const { read, limit, left, atOnce, afterArrivals } = options;
  const waiting = new Map<string, Wanted<Found>>();
  const underWay = new Set<string>();
  let requests = 0;
  let isScheduled = false;

  function take(): Map<string, Wanted<Found>> {
    const most = limit();
    const taken = new Map<string, Wanted<Found>>();
    for (const [key, wanted] of waiting) {
      // A read of it that is in flight began too early.
      if (!underWay.has(key)) {
        taken.set(key, wanted);
        waiting.delete(key);
        if (taken.size >= most) {
          break;
        }
      }
    }
    return taken;
  }

  function sendWaiting(): void {
    while (requests < maxRequests && waiting.size > 0) {
      const wanted = take();
      if (wanted.size === 0) {
        return;
      }
      send(wanted);
    }
  }

  function schedule(): void {
    if (!isScheduled) {
      isScheduled = true;
      afterArrivals(() => {
        isScheduled = false;
        sendWaiting();
      });
    }
  }

  function send(wanted: ReadonlyMap<string, Wanted<Found>>): void {
    const request: Request = { controller: new AbortController(), readers: 0 };
    const readers: AbortSignal[] = [];
    let endAt = 0;
    for (const each of wanted.values()) {
      underWay.add(each.key);
      each.request = request;
      request.readers += each.readers.size;
      for (const reader of each.readers) {
        endAt = Math.max(endAt, reader.endAt);
        readers.push(reader.signal);
      }
    }
    requests++;
    let isCounted = true;
    const makeWay = () => {
      clearTimeout(timer);
      if (isCounted) {
        isCounted = false;
        requests--;
        for (const key of wanted.keys()) {
          underWay.delete(key);
        }
        sendWaiting();
      }
    };
    const timer = setTimeout(makeWay, slowMs);
    const found = (key: string, result: Found) => {
      for (const reader of wanted.get(key)?.readers ?? []) {
        reader.resolve(result);
      }
    };
    const { signal } = request.controller;
    read([...wanted.keys()], found, { signal, endAt, readers })
      .then(
        () => new Error("the read has ended without an answer to each key"),
        (error: unknown) => error,
      )
      .then((error) => {
        for (const { readers } of wanted.values()) {
          for (const reader of readers) {
            reader.reject(error);
          }
        }
        makeWay();
      });
  }

  return (key, signal, endAt = Number.POSITIVE_INFINITY) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(left(signal.reason));
        return;
      }
      const wanted: Wanted<Found> = waiting.get(key) ?? { key, readers: new Set() };
      const end = () => {
        signal.removeEventListener("abort", leave);
        wanted.readers.delete(reader);
        const { request } = wanted;
        if (request !== undefined) {
          request.readers--;
        } else if (wanted.readers.size === 0) {
          waiting.delete(key);
        }
      };
      const leave = () => {
        end();
        reject(left(signal.reason));
        if (wanted.request?.readers === 0) {
          wanted.request.controller.abort(signal.reason);
        }
      };
      const reader: Reader<Found> = {
        signal,
        endAt,
        resolve(found) {
          end();
          resolve(found);
        },
        reject(error) {
          end();
          reject(error);
        },
      };
      signal.addEventListener("abort", leave);
      wanted.readers.add(reader);
      waiting.set(key, wanted);
      if (atOnce && requests === 0) {
        sendWaiting();
      } else {
        schedule();
      }
    });
}
