import type { AfterArrivals } from "../../../common/batching/after-arrivals.js";
import { createPart, type Part, shareRequest } from "../../../common/batching/shared-request.js";
import type { Call } from "../call.js";
import { endedHere } from "../errors.js";

/** A write of one key that waits for its turn or its answer. */
export interface Waiting<Item, Answer> extends Part<Answer> {
  readonly item: Item;
  readonly call: Call;
}

/** Writes that may travel in one request. */
export interface Lot<Item extends { readonly key: string }, Answer> {
  /** False while the server is known to take them one by one only. */
  readonly isOpen: () => boolean;
  readonly lengthOf: (item: Item) => number;
  /** Carries out one, as a call of its own. */
  readonly alone: (call: Call, item: Item) => Promise<Answer>;
  /** Carries out many, and tells each what became of it. Never rejects. The signal aborts when nobody waits any more. */
  readonly together: (
    group: readonly Waiting<Item, Answer>[],
    until: { readonly signal: AbortSignal; readonly endAt: number },
  ) => Promise<void>;
}

export type QueuedWrite = <Item extends { readonly key: string }, Answer>(
  lot: Lot<Item, Answer>,
  call: Call,
  item: Item,
) => Promise<Answer>;

/** A stream costs client and server what thirty single writes save by it. */
const leastTogether = 32;
/** Few enough that a broken stream leaves few in doubt, and well below what a server takes in one message, by default 4 MiB. */
const maxItems = 1000;
const maxLength = 500_000;
/** The most requests in flight. What comes beyond them waits, and goes together. */
const maxRequests = 8;
/** A request that takes longer holds up nobody but who writes its keys. */
const slowMs = 50;

// biome-ignore lint/suspicious/noExplicitAny: writes of different kinds wait in one line
type AnyLot = Lot<any, any>;

// biome-ignore lint/suspicious/noExplicitAny: as above
interface Queued extends Waiting<{ readonly key: string }, any> {
  readonly lot: AnyLot;
}

/**
 * Gathers writes until the event loop has taken in what has arrived, and sends them as few requests. Writes of one key that wait at the
 * same time are carried out in the order in which they were called for, each request after the one before is answered.
 */
export function createWriteQueue(afterArrivals: AfterArrivals): QueuedWrite {
  const waiting = new Set<Queued>();
  /** The keys that requests in flight write. */
  const busy = new Set<string>();
  let requests = 0;
  let isScheduled = false;

  /** Takes those that may go next together. */
  function take(): Queued[] {
    const group: Queued[] = [];
    const held = new Set<string>();
    let length = 0;
    for (const each of waiting) {
      const { key } = each.item;
      const more = each.lot.lengthOf(each.item);
      // What is large goes by itself: were it too large, it would be refused with all that is with it.
      const isTooMuch = group.length > 0 && (more >= maxLength || each.lot !== group[0]?.lot);
      if (isTooMuch || busy.has(key) || held.has(key)) {
        held.add(key);
        continue;
      }
      if (!each.lot.isOpen()) {
        // Calls of their own have no order among them.
        held.add(key);
      }
      waiting.delete(each);
      group.push(each);
      length += more;
      if (group.length >= maxItems || length >= maxLength) {
        break;
      }
    }
    return group;
  }

  function sendWaiting(): void {
    while (requests < maxRequests && waiting.size > 0) {
      const group = take();
      const [first] = group;
      if (first === undefined) {
        return;
      }
      const keys = new Set(group.map(({ item }) => item.key));
      const isFew = group.length < leastTogether && keys.size === group.length;
      if (group.length === 1 || isFew || !first.lot.isOpen()) {
        sendApart(group);
      } else {
        send(group, first.lot, keys);
      }
    }
  }

  /** Each as a call of its own, which its caller's signal ends. Writes of the same keys that wait by now come after them. */
  function sendApart(group: readonly Queued[]): void {
    const wanted = new Set([...waiting].map(({ item }) => item.key));
    for (const each of group) {
      const { key } = each.item;
      shareRequest([each]);
      const done = each.lot.alone(each.call, each.item).then(each.settle, each.fail);
      if (wanted.has(key)) {
        busy.add(key);
        done.finally(() => {
          busy.delete(key);
          sendWaiting();
        });
      }
    }
  }

  function send(group: readonly Queued[], lot: AnyLot, keys: ReadonlySet<string>): void {
    const { controller } = shareRequest(group);
    const endAt = Math.max(...group.map(({ call }) => call.endAt));
    for (const key of keys) {
      busy.add(key);
    }
    requests++;
    let isCounted = true;
    const makeWay = () => {
      clearTimeout(timer);
      requests -= isCounted ? 1 : 0;
      isCounted = false;
      sendWaiting();
    };
    const timer = setTimeout(makeWay, slowMs);
    lot.together(group, { signal: controller.signal, endAt }).finally(() => {
      for (const key of keys) {
        busy.delete(key);
      }
      makeWay();
    });
  }

  return (lot, call, item) =>
    new Promise((resolve, reject) => {
      const { signal } = call;
      if (signal.aborted) {
        reject(endedHere(signal.reason, "NOT_APPLIED"));
        return;
      }
      const part = createPart({
        signal,
        resolve,
        reject,
        withdraw: () => waiting.delete(queued),
        left: (reason, mayBeApplied) => endedHere(reason, mayBeApplied ? "UNKNOWN" : "NOT_APPLIED"),
      });
      const queued: Queued = { lot, item, call, ...part };
      waiting.add(queued);
      if (!isScheduled) {
        isScheduled = true;
        afterArrivals(() => {
          isScheduled = false;
          sendWaiting();
        });
      }
    });
}
