import { type EventLoopUtilization, performance } from "node:perf_hooks";

/** Longest time that the work of all may hold the event loop in one of its turns, in milliseconds. */
const turnMs = 4;
/** Time that one of them goes on while others wait, in milliseconds. */
const quantumMs = 1;
/** Time left to other work, relative to each slice. */
const shareOfOthers = 3;
/** Others that have worked for less than this since the last turn, in milliseconds or relative to the time since, do not need theirs. */
const idleGapMs = 1;
const idleShare = 1 / 4;
/** Time after which it is seen again whether others still need theirs, in milliseconds. */
const pauseMs = 2;

/** Work that waits for its turn. */
interface Waiting {
  /** Goes on until its end, or the end of the turn. Returns whether it has come to its end. */
  advance(until: number): boolean;
}

const waiting: Waiting[] = [];
/** Time spent in this turn of the event loop. */
let spentMs = 0;
let isTurnOpen = false;
/** When the turn began that is not over yet. */
let startedAt: number | undefined;
/** True if the rest of the turn is somebody's who does not work here. */
let isGivenAway = false;
/** When the last turn was over, and how long it was, with what follows it elsewhere. */
let lastEndedAt = 0;
let lastTookMs = 0;
let followingMs = 0;
let lastUse: EventLoopUtilization = performance.eventLoopUtilization();
let timer: NodeJS.Immediate | NodeJS.Timeout | undefined;

/**
 * Does long work in slices: the generator is asked for its next step, until it ends, for a few milliseconds at a time. Between them the
 * event loop serves others, who get three quarters of the time while they need it. All such work shares one slice, and takes turns in it:
 * a hundred large requests hold the loop no longer than one does. The first step is done at once: what has no other waits for nobody.
 *
 * @returns the generator's result: at once if it ends with its first step, or in what is left of the present slice
 */
export function runInSlices<T>(work: Generator<void, T>): T | Promise<T> {
  openTurn();
  const begunAt = performance.now();
  const isFree = waiting.length === 0 && spentMs < turnMs;
  try {
    const ended = advance(work, isFree ? begunAt + turnMs - spentMs : begunAt);
    if (ended !== undefined) {
      return ended.value;
    }
  } finally {
    spentMs += performance.now() - begunAt;
  }
  return inTurns((until) => advance(work, until));
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

/** Does one piece of work that cannot be divided, and is too long to be done for many calls in one go. */
export function doInSlice<T>(work: () => T): T | Promise<T> {
  openTurn();
  if (waiting.length > 0 || spentMs >= turnMs) {
    return inTurns(() => ({ value: work() }));
  }
  const begunAt = performance.now();
  try {
    return work();
  } finally {
    spentMs += performance.now() - begunAt;
  }
}

/** @param goOn returns the result once there is one */
function inTurns<T>(goOn: (until: number) => { readonly value: T } | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    enqueue({
      advance(until) {
        try {
          const ended = goOn(until);
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
  });
}

function enqueue(work: Waiting): void {
  waiting.push(work);
  if (timer === undefined) {
    scheduleTurn();
  }
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

/** Asks for a turn, and notes its end once the promises that it has resolved were followed: what comes of them is of the turn as well. */
function scheduleTurn(): void {
  timer = setImmediate(takeTurn);
  setImmediate(endTurn);
}

function takeTurn(): void {
  const now = performance.now();
  if (!isDue(now)) {
    timer = setTimeout(scheduleTurn, pauseMs);
    return;
  }
  openTurn();
  startedAt = now;
  const until = now + turnMs;
  isGivenAway = false;
  for (let at = now; waiting.length > 0 && at < until && !isGivenAway; at = performance.now()) {
    const first = waiting.shift() as Waiting;
    if (!first.advance(waiting.length === 0 ? until : at + quantumMs)) {
      waiting.push(first);
    }
  }
  spentMs += performance.now() - now;
}

/** Others have had their time since the last turn, or do not need it. */
function isDue(now: number): boolean {
  const othersMs = now - lastEndedAt;
  const owedMs = lastTookMs * shareOfOthers;
  const { active } = performance.eventLoopUtilization(lastUse);
  return othersMs >= owedMs || active <= Math.max(idleGapMs, othersMs * idleShare);
}

function endTurn(): void {
  if (startedAt !== undefined) {
    lastEndedAt = performance.now();
    lastTookMs = lastEndedAt - startedAt + followingMs;
    followingMs = 0;
    lastUse = performance.eventLoopUtilization();
    startedAt = undefined;
    timer = undefined;
    if (waiting.length > 0) {
      scheduleTurn();
    }
  }
}

/**
 * Resolves in a turn of its own: for work that follows elsewhere, cannot be divided, and is too long to be done for many calls in one
 * turn. Others get their time after it as well.
 *
 * @param laterMs time that the work takes after the turn, such as when an answer to it comes
 */
export function ownTurn(laterMs = 0): Promise<void> {
  return new Promise((resolve) =>
    enqueue({
      advance() {
        isGivenAway = true;
        followingMs += laterMs;
        resolve();
        return true;
      },
    }),
  );
}
