/** Longest time that the work of all may hold the event loop in one of its turns, in milliseconds. */
const turnMs = 4;
/** Time that one of them goes on while others wait, in milliseconds. */
const quantumMs = 1;
/** Time left to other work, relative to each slice. */
const shareOfOthers = 3;
/** Gap between turns below which other work counts as idle, in milliseconds. */
const idleGapMs = 1;

/** Work that waits for its turn. */
interface Waiting {
  /** Goes on until its end, or the end of the turn. Returns whether it has come to its end. */
  advance(until: number): boolean;
}

const waiting: Waiting[] = [];
/** Time spent in this turn of the event loop. */
let spentMs = 0;
let isTurnOpen = false;
let lastEndedAt = 0;
let timer: NodeJS.Immediate | NodeJS.Timeout | undefined;

/**
 * Does long work in slices: the generator is asked for its next step, until it ends, for a few milliseconds at a time. Between them the
 * event loop serves others, who get three quarters of the time while they need it. All such work shares one slice, and takes turns in it:
 * a hundred large requests hold the loop no longer than one does.
 *
 * @returns the generator's result: at once if it ends in what is left of the present slice
 */
export function runInSlices<T>(work: Generator<void, T>): T | Promise<T> {
  openTurn();
  if (waiting.length === 0 && spentMs < turnMs) {
    const startedAt = performance.now();
    const until = startedAt + turnMs - spentMs;
    try {
      const ended = advance(work, until);
      if (ended !== undefined) {
        return ended.value;
      }
    } finally {
      spentMs += performance.now() - startedAt;
    }
  }
  return new Promise((resolve, reject) => {
    waiting.push({
      advance(until) {
        try {
          const ended = advance(work, until);
          if (ended !== undefined) {
            resolve(ended.value);
          }
          return ended !== undefined;
        } catch (error) {
          reject(error);
          return true;
        }
      },
    });
    if (timer === undefined) {
      lastEndedAt = performance.now();
      timer = setImmediate(takeTurn);
    }
  });
}

/** Does steps until the last one, or until the time is up: then undefined. At least one is done. */
function advance<T>(work: Generator<void, T>, until: number): { readonly value: T } | undefined {
  for (;;) {
    const step = work.next();
    if (step.done) {
      return step;
    }
    if (performance.now() >= until) {
      return undefined;
    }
  }
}

/** Does one piece of work that is too long to be done for many calls in one go. */
export function doInSlice<T>(work: () => T): T | Promise<T> {
  return runInSlices(once(work));
}

function* once<T>(work: () => T): Generator<void, T> {
  const result = work();
  yield;
  return result;
}

/** Resets the time spent once the event loop has turned. */
function openTurn(): void {
  if (!isTurnOpen) {
    isTurnOpen = true;
    setImmediate(() => {
      isTurnOpen = false;
      spentMs = 0;
    });
  }
}

function takeTurn(): void {
  const now = performance.now();
  const othersMs = now - lastEndedAt;
  if (othersMs > idleGapMs && othersMs < turnMs * shareOfOthers) {
    timer = setTimeout(takeTurn, turnMs * shareOfOthers - othersMs);
    return;
  }
  openTurn();
  const until = now + turnMs;
  for (let at = now; waiting.length > 0 && at < until; at = performance.now()) {
    const first = waiting.shift() as Waiting;
    if (!first.advance(waiting.length === 0 ? until : at + quantumMs)) {
      waiting.push(first);
    }
  }
  spentMs += performance.now() - now;
  lastEndedAt = performance.now();
  timer = waiting.length === 0 ? undefined : setImmediate(takeTurn);
}

let lastTurn: Promise<void> = Promise.resolve();

/** Resolves in a turn of the event loop of its own: for work that follows elsewhere, and is too long to be done for many calls in one. */
export function ownTurn(): Promise<void> {
  lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return lastTurn;
}
