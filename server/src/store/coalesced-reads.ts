import { ErrorReason, Outcome } from "../../../gen/dynakv/v1/error_pb.js";
import { abortError, DynakvError } from "../errors.js";
import type { ReadOptions, StoredEntry } from "./entry.js";
import type { Found } from "./read-batch.js";
import { readEntry } from "./read-entry.js";
import { readMany } from "./read-many.js";
import type { StoreContext } from "./store-context.js";

/** Reads entries, those that are asked for at the same time together. */
export interface CoalescedReads {
  /** The entry at a key, read after it was asked for; undefined when there is none. */
  read(key: string, options: ReadOptions): Promise<StoredEntry | undefined>;
}

/** The most requests for reads of one consistency that are under way. What comes beyond them waits, and goes together. */
const maxRequests = 8;
/** DynamoDB's limit of BatchGetItem. */
const maxKeys = 100;
/** Small items shall not wait for more than about so many bytes of others. */
const targetBytes = 1_000_000;
/** A request that takes longer holds up nobody: others go beside it, for its keys too. */
const slowMs = 50;
/** How long keys are read one by one after a batch was refused, such as by a policy that allows GetItem alone. */
const apartMs = 60_000;

/** Refusals that are those of the request, not of a key in it. */
const refusals: ReadonlySet<ErrorReason> = new Set([ErrorReason.BACKEND_DENIED, ErrorReason.TABLE_UNAVAILABLE]);

/** Somebody who waits for a key. */
interface Reader {
  readonly signal: AbortSignal;
  readonly settle: (found: Found) => void;
  readonly fail: (error: unknown) => void;
  readonly leave: () => void;
}

/** A key, all who wait for it, and the request that it is part of, once there is one. */
interface Wanted {
  readonly key: string;
  readonly readers: Set<Reader>;
  request?: Request;
}

/** Keys under way. It is aborted when nobody waits for any of them. */
interface Request {
  readonly controller: AbortController;
  readers: number;
}

/**
 * A read that finds no other under way is sent at once, as a GetItem. Reads that come while others are under way are gathered
 * until the event loop has taken in what has arrived, or one of them is answered, and go as one BatchGetItem. A key is never
 * answered by a read that began before it was asked for, so a Get sees what was written before it as if it were alone; a key
 * that many ask for at once is therefore read by at most two requests at a time, one under way and one to follow.
 */
export function createCoalescedReads(context: StoreContext): CoalescedReads {
  const eventual = createQueue(context, false);
  const strong = createQueue(context, true);
  return {
    read: (key, options) => (options.strong ? strong : eventual)(key, options.signal),
  };
}

type Read = (key: string, signal: AbortSignal) => Promise<StoredEntry | undefined>;

function createQueue(context: StoreContext, strong: boolean): Read {
  const waiting = new Map<string, Wanted>();
  const underWay = new Set<string>();
  let requests = 0;
  let isScheduled = false;
  let averageBytes = 0;
  let apartUntil = 0;

  function take(): Wanted[] {
    const limit = Math.max(1, Math.min(maxKeys, Math.floor(targetBytes / Math.max(1, averageBytes))));
    const taken: Wanted[] = [];
    for (const wanted of waiting.values()) {
      // A read of it is under way, which began too early.
      if (underWay.has(wanted.key)) {
        continue;
      }
      taken.push(wanted);
      if (taken.length >= limit) {
        break;
      }
    }
    return taken;
  }

  function sendWaiting(): void {
    while (requests < maxRequests && waiting.size > 0) {
      const taken = take();
      if (taken.length === 0) {
        return;
      }
      send(taken);
    }
  }

  function schedule(): void {
    if (!isScheduled) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        sendWaiting();
      });
    }
  }

  function send(wanted: readonly Wanted[]): void {
    const request: Request = { controller: new AbortController(), readers: 0 };
    for (const each of wanted) {
      waiting.delete(each.key);
      underWay.add(each.key);
      each.request = request;
      request.readers += each.readers.size;
    }
    requests++;
    let isCounted = true;
    const makeWay = () => {
      clearTimeout(timer);
      if (isCounted) {
        isCounted = false;
        requests--;
        for (const { key } of wanted) {
          underWay.delete(key);
        }
        sendWaiting();
      }
    };
    const timer = setTimeout(makeWay, slowMs);
    carryOut(wanted, request.controller.signal).finally(makeWay);
  }

  /** Never rejects: each reader is told. */
  async function carryOut(wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const [first] = wanted;
    const options: ReadOptions = { strong, signal };
    try {
      if (wanted.length === 1 && first !== undefined) {
        settle(first, await readEntry(context, first.key, options));
        return;
      }
      await readTogether(wanted, options);
    } catch (error) {
      for (const each of wanted) {
        fail(each, error);
      }
    }
  }

  async function readTogether(wanted: readonly Wanted[], options: ReadOptions): Promise<void> {
    const byKey = new Map(wanted.map((each) => [each.key, each]));
    const keys = [...byKey.keys()];
    for await (const results of readMany(context, { keys, ordered: false, check: () => undefined }, options)) {
      for (const { key, found } of results) {
        const each = byKey.get(key);
        if (each === undefined) {
          continue;
        }
        if (found instanceof DynakvError && refusals.has(found.reason)) {
          apartUntil = performance.now() + apartMs;
          readApart(each);
        } else {
          settle(each, found);
        }
      }
    }
  }

  function readApart({ key, readers }: Wanted): void {
    for (const reader of readers) {
      readEntry(context, key, { strong, signal: reader.signal }).then(reader.settle, reader.fail);
    }
    readers.clear();
  }

  function settle({ readers }: Wanted, found: Found): void {
    averageBytes = averageBytes * 0.9 + sizeOf(found) * 0.1;
    for (const reader of readers) {
      reader.settle(found);
    }
    readers.clear();
  }

  function fail({ readers }: Wanted, error: unknown): void {
    for (const reader of readers) {
      reader.fail(error);
    }
    readers.clear();
  }

  function leave(wanted: Wanted, reader: Reader): void {
    if (!wanted.readers.delete(reader)) {
      return;
    }
    reader.fail(abortError(reader.signal.reason, Outcome.UNSPECIFIED));
    const { request } = wanted;
    if (request !== undefined) {
      request.readers--;
      if (request.readers === 0) {
        request.controller.abort(reader.signal.reason);
      }
    } else if (wanted.readers.size === 0) {
      waiting.delete(wanted.key);
    }
  }

  return (key, signal) => {
    if (signal.aborted || performance.now() < apartUntil) {
      return readEntry(context, key, { strong, signal });
    }
    return new Promise((resolve, reject) => {
      const wanted = waiting.get(key) ?? { key, readers: new Set() };
      const reader: Reader = {
        signal,
        settle(found) {
          signal.removeEventListener("abort", reader.leave);
          if (found instanceof DynakvError) {
            reject(found);
          } else {
            resolve(found);
          }
        },
        fail(error) {
          signal.removeEventListener("abort", reader.leave);
          reject(error);
        },
        leave: () => leave(wanted, reader),
      };
      wanted.readers.add(reader);
      signal.addEventListener("abort", reader.leave);
      waiting.set(key, wanted);
      if (requests === 0) {
        sendWaiting();
      } else {
        schedule();
      }
    });
  };
}

function sizeOf(found: Found): number {
  return found !== undefined && "data" in found && found.data.kind === "value" ? found.data.value.length : 0;
}
