import type { Call } from "../calls/call.js";
import type { CallMemory } from "../calls/call-memory.js";
import type { DynakvError } from "../errors/dynakv-error.js";
import { type ShedKind, shedError } from "./overload-errors.js";

/** Room for what is read from DynamoDB and not yet taken, as the store asks for it. */
export interface ReadRoom {
  /** Holds so many bytes if there is room. */
  tryHold(bytes: number): boolean;
  /** The same as soon as there is room. Rejects when that takes too long, or with the signal's reason when that aborts. */
  hold(bytes: number, signal: AbortSignal): Promise<void>;
  /** Holds them whether there is room or not: they are there. */
  holdAnyhow(bytes: number): void;
  release(bytes: number): void;
}

/** Memory held for callers, accounted for the whole process. */
export interface MemoryBudget extends CallMemory {
  readonly reads: ReadRoom;
  /** Number of bytes that are held, and how many may be. */
  readonly held: number;
  readonly limit: number;
}

export interface MemoryBudgetOptions {
  /** The most bytes that are held together. */
  readonly limit: number;
  /** Makes the errors, where they are to be counted as well. */
  readonly refuse?: (kind: ShedKind) => DynakvError;
  /** Longest time that a client may keep others waiting, in milliseconds. */
  readonly graceMs?: number;
}

/** Bytes of each call that are not counted: they cost no more than its head. */
const uncountedBytes = 4096;
/** What a piece of a body takes beside its bytes until the body is whole. Its client may send them one by one. */
const pieceBytes = 160;
/** Calls that hold no more than this go on while large ones have used all that these may. */
const smallBytes = 65_536;
/** Share of the budget for large calls. */
const largeShare = 7 / 8;
/** A client that has kept others waiting for so long gives way to them. */
const defaultGraceMs = 5000;
/** Least time between two passes over all clients, in milliseconds: there may be thousands of clients, and thousands of calls that find no room. */
const passEveryMs = 50;
/** Time that a read waits for room at most: twice as long as it takes for others to give way. */
const longestWaitMs = 10_000;
/** A client that sends its body in drops does not get more time with each of them. */
const progressBytes = 65_536;

interface Account {
  held: number;
  /** Body bytes since the last progress. */
  fresh: number;
  /** Since when its client keeps it waiting. */
  waitingSince: number | undefined;
}

/** A read that waits for room. */
interface WaitingRead {
  readonly bytes: number;
  /** One that is larger than all that there may be waits for a part of it. */
  readonly needed: number;
  /** Has it wait no longer. */
  start(): void;
}

export function createMemoryBudget(options: MemoryBudgetOptions): MemoryBudget {
  const { limit, refuse = shedError, graceMs = defaultGraceMs } = options;
  const accounts = new Map<Call, Account>();
  const waitingReads = new Set<WaitingRead>();
  let held = 0;
  let timer: NodeJS.Timeout | undefined;
  let nextPassAt = 0;

  const mostFor = (bytes: number) => (bytes <= smallBytes ? limit : limit * largeShare);

  /** Undefined when nothing can be held for the call any more. */
  function accountOf(call: Call): Account | undefined {
    let account = accounts.get(call);
    if (account === undefined && !call.isReleased) {
      const opened: Account = { held: 0, fresh: 0, waitingSince: undefined };
      account = opened;
      accounts.set(call, opened);
      call.onRelease(() => {
        accounts.delete(call);
        release(opened.held);
        opened.held = 0;
      });
    }
    return account;
  }

  function release(bytes: number): void {
    held -= bytes;
    startReads();
  }

  function startReads(): void {
    for (const waiting of waitingReads) {
      // In their order: a large one would wait for ever while small ones pass it.
      if (!hasRoom(waiting.needed, waiting.needed)) {
        return;
      }
      held += waiting.bytes;
      waiting.start();
    }
  }

  /** @param whole what is held for the same call, with what is asked for */
  function hasRoom(bytes: number, whole: number): boolean {
    return held + bytes <= mostFor(whole);
  }

  /** The clients that have kept others waiting the longest are left, until there is as much room as is wanted. */
  function makeRoom(bytes: number): void {
    const now = performance.now();
    if (now < nextPassAt) {
      return;
    }
    nextPassAt = now + passEveryMs;
    const late = [...accounts]
      .filter(([, { waitingSince }]) => waitingSince !== undefined && now - waitingSince >= graceMs)
      .sort(([, a], [, b]) => (a.waitingSince ?? 0) - (b.waitingSince ?? 0));
    let wanted = held + bytes - limit * largeShare;
    for (const [call, account] of late) {
      if (wanted <= 0) {
        return;
      }
      // At least what it has been answered lies with it, too, though that is counted elsewhere.
      wanted -= Math.max(account.held, smallBytes);
      account.waitingSince = undefined;
      call.giveWay?.(refuse("slowClient"));
    }
  }

  function hold(call: Call, bytes: number): DynakvError | undefined {
    const account = accountOf(call);
    if (account === undefined) {
      return undefined;
    }
    const whole = account.held + bytes;
    if (!hasRoom(bytes, whole)) {
      makeRoom(bytes);
      if (!hasRoom(bytes, whole)) {
        return refuse("memory");
      }
    }
    add(account, bytes);
    return undefined;
  }

  function add(account: Account, bytes: number): void {
    account.held += bytes;
    held += bytes;
  }

  function clientMoved(call: Call): void {
    const account = accounts.get(call);
    if (account !== undefined) {
      account.waitingSince = undefined;
    }
  }

  return {
    get held() {
      return held;
    },
    limit,
    hold,
    holdAnyhow(call, bytes) {
      const account = accountOf(call);
      if (account !== undefined) {
        add(account, bytes);
      }
    },
    giveBack(call, bytes) {
      const account = accounts.get(call);
      if (account !== undefined) {
        const given = Math.min(bytes, account.held);
        account.held -= given;
        release(given);
      }
    },
    addBody(call, bytes, pieces) {
      const before = call.requestMemory;
      call.requestBytes += bytes;
      call.requestMemory += bytes + pieces * pieceBytes;
      if (call.requestMemory <= uncountedBytes) {
        return undefined;
      }
      const isFirst = before <= uncountedBytes;
      const refusal = hold(call, isFirst ? call.requestMemory : call.requestMemory - before);
      const account = accounts.get(call);
      if (account !== undefined) {
        account.fresh += bytes;
        if (isFirst || account.fresh >= progressBytes) {
          account.fresh = 0;
          account.waitingSince = performance.now();
        }
      }
      return refusal;
    },
    awaitClient(call) {
      const account = accountOf(call);
      if (account !== undefined) {
        account.waitingSince ??= performance.now();
      }
    },
    clientMoved,
    reads: {
      tryHold(bytes) {
        if (waitingReads.size > 0 && bytes > smallBytes) {
          return false;
        }
        if (!hasRoom(bytes, bytes)) {
          makeRoom(bytes);
          return false;
        }
        held += bytes;
        return true;
      },
      hold(bytes, signal) {
        return new Promise((resolve, reject) => {
          const waiting: WaitingRead = { bytes, needed: Math.min(bytes, limit / 2), start: () => leave(resolve) };
          const patience = setTimeout(() => leave(() => reject(refuse("memory"))), longestWaitMs);
          const abort = () => leave(() => reject(signal.reason));
          function leave(then: () => void): void {
            waitingReads.delete(waiting);
            if (waitingReads.size === 0) {
              clearInterval(timer);
              timer = undefined;
            }
            clearTimeout(patience);
            signal.removeEventListener("abort", abort);
            then();
          }
          signal.addEventListener("abort", abort);
          waitingReads.add(waiting);
          timer ??= setInterval(makeRoomForReads, graceMs / 10);
          makeRoomForReads();
          if (signal.aborted) {
            abort();
          }
        });
      },
      holdAnyhow(bytes) {
        held += bytes;
      },
      release,
    },
  };

  function makeRoomForReads(): void {
    startReads();
    const [first] = waitingReads;
    if (first !== undefined) {
      makeRoom(first.needed);
      startReads();
    }
  }
}
